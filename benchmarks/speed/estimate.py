"""Predicted hours against true ones: `run --dry-run --estimate`, then the grid itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from benchmarks.ratio import Conditions, Ratio
from benchmarks.speed.records import command, timed

GRIDS = {
    "8 tricks one at a time": "--tricks warmup,mixup,evonorm,randaugment,sam,ema,cutmix,adamw",
    "a full grid of 4 tricks": "--grid full --tricks evonorm,mixup,randaugment,sam",
}
FEW = ("--set", "epochs=3")


def measure(conditions: Conditions) -> Iterator[Ratio]:
    """Small grids on digits: predicted hours over real hours.

    The first prediction is from steps measured before. The second is for a second seed, from the
    records of the first seed. Real hours are from the first run's start to the last run's end.
    """
    for what, line in GRIDS.items():
        results = conditions.scratch / what
        here = (*line.split(), *FEW, "--results", str(results), "--seeds")
        by_steps = _ratio(results, *here, "1", steps=True)
        by_records = _ratio(results, *here, "2", steps=False)
        yield _row(what, "a few steps, measured before", by_steps)
        yield _row(what, "records of the first seed", by_records)


def _ratio(results: Path, *line: str, steps: bool) -> float:
    asked = [command(), "run", *line, "--dry-run", "--json", *(["--estimate"] if steps else [])]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    predicted = 3600 * float(json.loads(done.stdout)["predicted_hours"])
    before = set(results.glob("runs/*/*.json"))
    timed("run", *line, "--yes")
    new = [json.loads(path.read_text()) for path in set(results.glob("runs/*/*.json")) - before]
    begin = min(datetime.fromisoformat(record["started"]) for record in new)
    end = max(datetime.fromisoformat(record["finished"]) for record in new)
    return predicted / (end - begin).total_seconds()


def _row(what: str, by: str, ratio: float) -> Ratio:
    """The error in either direction: at most 1.25 is within 25 %."""
    return Ratio(
        f"predicted hours of {what}", f"true ones, by {by} (larger over smaller)",
        (max(ratio, 1 / ratio),), "×", 1.25, at_most=True, note=f"predicted over true: {ratio:.2f}",
    )  # fmt: skip

"""Predicted hours against true ones: `run --dry-run --estimate`, then the grid itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

from benchmarks.ratio import Conditions, Ratio
from benchmarks.speed.records import command, timed

GRIDS = {
    "8 tricks one at a time": "--tricks warmup,mixup,evonorm,randaugment,sam,ema,cutmix,adamw",
    "a full grid of 4 tricks": "--grid full --tricks evonorm,mixup,randaugment,sam",
}
FEW = ("--set", "epochs=3", "--seeds", "1")


def measure(conditions: Conditions) -> Iterator[Ratio]:
    """Small grids on digits: the hours that the command predicts over those that it then takes.

    Before, by steps measured then; and of a second seed, by the records of the first.
    """
    for what, line in GRIDS.items():
        by_steps, by_records = [], []
        for n in range(min(2, conditions.repeats)):
            here = (*line.split(), "--results", str(conditions.scratch / f"{what}-{n}"))
            by_steps.append(_ratio(*here, *FEW, steps=True))
            by_records.append(_ratio(*here, *FEW[:-1], "2", steps=False))
        yield _row(what, "a few steps, measured before", by_steps)
        yield _row(what, "records of the first seed", by_records)


def _ratio(*line: str, steps: bool) -> float:
    asked = [command(), "run", *line, "--dry-run", "--json", *(["--estimate"] if steps else [])]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)
    predicted = 3600 * float(json.loads(done.stdout)["predicted_hours"])
    return predicted / timed("run", *line, "--yes")[0]


def _row(what: str, by: str, ratios: list[float]) -> Ratio:
    """The ratio that is furthest from 1 has to be within 25 % of it."""
    off = [max(ratio, 1 / ratio) for ratio in ratios]
    told = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return Ratio(
        f"predicted hours of {what}", f"true ones, by {by} (larger over smaller)", tuple(off), "×",
        1.25, at_most=True, note=f"predicted over true: {told}",
    )  # fmt: skip

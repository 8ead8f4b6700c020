"""The cost of each trick on digits, measured by `python -m benchmarks.costs`. Torch-free."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("costs.csv")


@dataclass(frozen=True)
class Ratio:
    """CPU time over the baseline's CPU time: median, smallest and largest of the repetitions."""

    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.ratio:.2f}× ({self.low:.2f}–{self.high:.2f})"


@dataclass(frozen=True)
class Cost:
    """Ratios of a training and of an evaluation. what: the measured trick with its parameters."""

    what: str
    version: int
    training: Ratio
    evaluation: Ratio
    repetitions: int


COLUMNS = (
    "trick", "what", "version", "training", "training_low", "training_high",
    "evaluation", "evaluation_low", "evaluation_high", "repetitions",
)  # fmt: skip


@cache
def measured(file: Path = FILE) -> dict[str, Cost]:
    """Trick -> its cost; a trick without a row was not measured."""
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8") as text:
        return {row["trick"]: _cost(row) for row in csv.DictReader(text)}


def _cost(row: dict[str, str]) -> Cost:
    training, evaluation = (
        Ratio(*(float(row[name]) for name in (kind, f"{kind}_low", f"{kind}_high")))
        for kind in ("training", "evaluation")
    )
    return Cost(row["what"], int(row["version"]), training, evaluation, int(row["repetitions"]))


def cost_of(name: str, version: int) -> Cost | None:
    """The cost of the trick `name`; None if this version of the trick was not measured."""
    found = measured().get(name)
    return found if found is not None and found.version == version else None

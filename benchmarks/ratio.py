"""A measured figure with its spread, and its target."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Conditions:
    """How to measure: number of pairs, a scratch folder, and the folder of images.

    data: as `--data` of the tool; measurements that need Fashion-MNIST say so if it is missing.
    """

    repeats: int
    scratch: Path
    data: Path


@dataclass(frozen=True)
class Ratio:
    """One line of the table: `what`, measured against `against`.

    samples: one figure per repetition, in `unit` ("×" for a ratio, "s", "MB", "%", "runs/s").
    target: the bound for the median; at_most: whether smaller values are better.
    note: the conditions of the measurement, or why the target is missed.
    """

    what: str
    against: str
    samples: tuple[float, ...]
    unit: str
    target: float | None = None
    at_most: bool = False
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; None without one."""
        if self.target is None:
            return None
        return self.median <= self.target if self.at_most else self.median >= self.target

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "median": self.median,
            "low": min(self.samples),
            "high": max(self.samples),
            "met": self.met,
        }


def paired(
    numerator: Callable[[], float], denominator: Callable[[], float], repeats: int
) -> tuple[float, ...]:
    """Ratios of two measurements made in pairs, `repeats` times, in alternating order.

    In a pair, other load of the machine affects both; by alternating, neither is always first.
    """
    found = []
    for place in range(repeats):
        if place % 2:
            below = denominator()
            above = numerator()
        else:
            above = numerator()
            below = denominator()
        found.append(above / below)
    return tuple(found)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The measured figures as markdown, from `Ratio.to_json`."""
    lines = ["| what | against | median | lowest to highest | target |", "|---|---|---:|---:|---:|"]
    for row in rows:
        target = "—"
        if row["target"] is not None:
            sign = "≤" if row["at_most"] else "≥"
            met = "reached" if row["met"] else "**missed**"
            target = f"{sign} {_number(row['target'], row['unit'])} {met}"
        spread = f"{_number(row['low'], row['unit'])} to {_number(row['high'], row['unit'])}"
        median = _number(row["median"], row["unit"])
        lines.append(f"| {row['what']} | {row['against']} | {median} | {spread} | {target} |")
    return "\n".join(lines)


def _number(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{'' if unit == '×' else ' '}{unit}"

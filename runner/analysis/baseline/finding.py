"""Finding: the verdict of one part of a baseline's check, with its numbers."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "unknown", "note"]


@dataclass(frozen=True)
class Sample:
    """Validation accuracies (per cent) of the runs of one arm that succeeded.

    lost: number of runs of the arm that diverged or failed. images: size of the validation set;
    None: unknown.
    """

    values: tuple[float, ...]
    lost: int = 0
    images: int | None = None

    @property
    def n(self) -> int:
        """The number of values."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Per cent; at least one value is needed."""
        return statistics.fmean(self.values)

    @property
    def sd(self) -> float:
        """Run-to-run sd in pp; at least two values are needed.

        Two accuracies on a few hundred images may be equal by chance. So the sd is at least the sd
        of rounding to whole images, if their number is known.
        """
        rounding = 100 / self.images / math.sqrt(12) if self.images else 0.0
        return max(statistics.stdev(self.values), rounding)


@dataclass(frozen=True)
class Finding:
    """One part of a check.

    verdict: pass and fail hold with an error rate of 5 % (see `rules`); unknown: these runs do not
    decide it; note: a number without a limit. value, low, high: in `unit`, the number and the ends
    of the interval behind the verdict. change: the setting, or the number of seeds, that repairs
    the baseline or decides the question.
    """

    name: str
    verdict: Verdict
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    unit: str = "pp"
    change: tuple[str, str] | None = None

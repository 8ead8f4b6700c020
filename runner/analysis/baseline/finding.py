"""Finding: what one part of a baseline's check says, with the numbers it says it from."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "unknown", "note"]


@dataclass(frozen=True)
class Sample:
    """Validation accuracies (per cent) of the runs of one arm that ended well.

    lost: runs of the arm that diverged or failed. images: of the validation set; None: unknown.
    """

    values: tuple[float, ...]
    lost: int = 0
    images: int | None = None

    @property
    def n(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """Per cent; at least one value is needed."""
        return statistics.fmean(self.values)

    @property
    def sd(self) -> float:
        """Run-to-run sd in pp; at least two values are needed.

        Two accuracies of a few hundred images are easily equal. So the sd is at least that of
        rounding to whole images.
        """
        return max(statistics.stdev(self.values), self.rounding)

    @property
    def rounding(self) -> float:
        """Sd in pp of the rounding of an accuracy to whole images; 0 where that is not known."""
        return 100 / self.images / math.sqrt(12) if self.images else 0.0


@dataclass(frozen=True)
class Finding:
    """One part of a check.

    verdict: pass and fail hold with an error rate of 5 % (see `rules`); unknown: these runs do not
    tell; note: a number without a limit. value, low, high: in `unit`, with the ends of the
    interval that the verdict rests on. change: the setting, or the number of seeds, that mends it.
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

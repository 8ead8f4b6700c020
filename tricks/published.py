"""Published effects of tricks, to compare with measured effects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One published effect of a trick.

    effect: of top-1 accuracy, in percentage points. data: data set and network. source: where it
    was published. kind: "cumulative", on top of the tricks before it; "at the baseline"; or the
    recipe that it was added to. runs: training runs per row. verified: whether the number was read
    in its source.
    """

    effect: float
    data: str
    source: str
    kind: str
    runs: int = 1
    verified: bool = True

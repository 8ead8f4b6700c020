"""What others published on a trick, to stand beside what was measured here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One published effect of a trick.

    effect: of top-1 accuracy, in percentage points. data: data set and network. source: where it
    stands. kind: "cumulative", on top of the tricks before it; "at the baseline"; or what it was
    added to. runs: training runs a row. verified: whether the number was read in its source.
    """

    effect: float
    data: str
    source: str
    kind: str
    runs: int = 1
    verified: bool = True

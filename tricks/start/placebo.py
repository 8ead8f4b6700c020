"""Placebo: other random draws, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class Placebo(Trick):
    """Draw other random streams and change nothing else: a trick whose true effect is zero.

    Initial weights, data order, augmentation and mixing come from streams of their own, so its runs
    are fresh runs of the same recipe. What a table says of it is what noise looks like there; over
    many studies it may be called helps or hurts in 5 % at most.
    """

    name: ClassVar[str] = "placebo"
    source: ClassVar[str] = "an A/A test; Kohavi et al. 2009, doi:10.1007/s10618-008-0114-1"

    def edits(self) -> Edits:
        return Edits(sets={"stream": 1})

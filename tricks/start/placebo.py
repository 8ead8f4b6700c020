"""Placebo: other random draws, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class Placebo(Trick):
    """Draw other random streams and change nothing else: a trick whose true effect is zero.

    Initial weights, data order, augmentation and mixing come from other streams, so its runs are
    new runs of the same recipe. Its row in a table shows what pure noise looks like. Over many
    studies its verdict may be helps or hurts in at most 5 %.
    """

    name: ClassVar[str] = "placebo"
    source: ClassVar[str] = "an A/A test; Kohavi et al. 2009, doi:10.1007/s10618-008-0114-1"

    def edits(self) -> Edits:
        return Edits(sets={"stream": 1})

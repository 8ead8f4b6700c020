"""Horizontal flips: half of the images are mirrored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class HorizontalFlip(Trick):
    """Mirror each image left to right with probability one half.

    For natural images, where left and right mean nothing; it hurts on digits, letters and signs.
    """

    name: ClassVar[str] = "horizontal-flip"
    source: ClassVar[str] = "Krizhevsky et al. 2012 (AlexNet), NeurIPS 25"

    def edits(self) -> Edits:
        return Edits(sets={"flip": True})

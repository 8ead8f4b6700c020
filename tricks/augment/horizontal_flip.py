"""Horizontal flips: mirror some of the images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.augment.draws import check_share
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class HorizontalFlip(Trick):
    """Mirror some of the images left to right, half of them by default.

    It is for natural images where left and right have no meaning; it hurts on digits and letters.
    """

    name: ClassVar[str] = "horizontal-flip"
    source: ClassVar[str] = "Krizhevsky et al. 2012 (AlexNet), NeurIPS 25"

    p: float = 0.5  # share of the images

    def __post_init__(self) -> None:
        check_share("p", self.p)

    def edits(self) -> Edits:
        return Edits(sets={"flip": True, "flip_share": self.p})

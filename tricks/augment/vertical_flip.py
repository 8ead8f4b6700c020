"""Vertical flips: turn some of the images upside down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.draws import chance, check_share, replaced, where
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class VerticalFlip(Trick):
    """Mirror some of the images top to bottom.

    It is for pictures without an up: from above, from a microscope. Where up has a meaning
    (streets, faces, digits), the network learns images that never occur, which often costs some
    accuracy.
    """

    name: ClassVar[str] = "vertical-flip"
    source: ClassVar[str] = "torchvision's RandomVerticalFlip; Dieleman et al. 2015 (galaxies)"

    p: float = 0.5  # share of the images

    def __post_init__(self) -> None:
        check_share("p", self.p)

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, some of them upside down."""
        place = where(chance(self.p, len(images), generator), images)
        return replaced(images, place, images.index_select(0, place).flip(-2))

"""Brightness: each image lighter or darker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.draws import COLOUR, check_share, in_pieces, some_of, uniform
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Brightness(Trick):
    """Make each image lighter or darker by a random factor.

    It is for pictures taken under changing light. It helps little if brightness distinguishes the
    classes, or if images were normalised one by one. Light parts saturate at white.
    """

    name: ClassVar[str] = "brightness"
    source: ClassVar[str] = "Howard 2013, arXiv:1312.5402; torchvision's ColorJitter, 0.4 is usual"
    stage: ClassVar[int] = COLOUR

    amount: float = 0.4  # factors are uniform from 1 - amount to 1 + amount
    p: float = 1.0  # share of the images

    def __post_init__(self) -> None:
        check_share("amount", self.amount)
        check_share("p", self.p)

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, each (or some) by its own factor."""
        from tricks.augment.colours import brightness

        factors = uniform(1 - self.amount, 1 + self.amount, len(images), generator)
        return some_of(
            self.p, images, generator, lambda *some: in_pieces(brightness, *some), factors
        )

"""Greyscale: remove the colour of some images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.colours import luma, whole
from tricks.augment.draws import COLOUR, chance, check_share, in_pieces, replaced, where
from tricks.recipe import Recipe
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Grayscale(Trick):
    """Remove the colour of some of the images.

    The network has to use shapes. It hurts where colour distinguishes the classes. Images keep
    their three channels. Grey images (one channel) are not changed.
    """

    name: ClassVar[str] = "grayscale"
    source: ClassVar[str] = "Chen et al. 2020 (SimCLR), arXiv:2002.05709; torchvision's weights"
    stage: ClassVar[int] = COLOUR

    p: float = 0.2  # share of the images

    def __post_init__(self) -> None:
        check_share("p", self.p)

    def edits(self) -> Edits:
        every = "grayscale-input removes the colour of every image"
        return Edits(adds={"transforms": self}, acts=((_has_colour, every),))

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, some of them grey."""
        place = where(chance(self.p, len(images), generator), images)
        if images.shape[1] == 1:
            return images
        grey = in_pieces(lambda some: whole(luma(some)), images.index_select(0, place))
        return replaced(images, place, grey.expand(-1, 3, -1, -1))


def _has_colour(recipe: Recipe) -> bool:
    return all(item.name != "grayscale-input" for item in recipe.inputs)

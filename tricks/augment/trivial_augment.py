"""TrivialAugment: one random operation of random strength for each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.in_batches import operate_in_turn
from tricks.augment.operations import OPERATIONS, Item, Scale, item_of
from tricks.published import Published, torchvision_recipe
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

WIDE = Scale(shear=0.99, translate=32.0, rotate=135.0, enhance=0.99, fewer=6)


def draw(count: int, height: int, width: int, generator: torch.Generator) -> list[Item]:
    """An operation with its signed amount for each of `count` images."""
    import torch

    tops = torch.tensor([len(OPERATIONS), WIDE.bins, 2], device=generator.device)
    shares = torch.rand(3, count, generator=generator, device=generator.device)
    drawn = (shares * tops.view(3, 1)).long().minimum(tops.view(3, 1) - 1).tolist()
    return [
        item_of(WIDE, OPERATIONS[operation], strength, bool(negative), height, width)
        for operation, strength, negative in zip(*drawn, strict=True)
    ]


@dataclass(frozen=True)
class TrivialAugment(Trick):
    """Apply one random operation (shear, contrast, posterize ...) of random strength per image.

    It is RandAugment without parameters to tune; it helps in long trainings on natural images.
    Translations go up to 32 pixels and rotations to 135 degrees. So images of 28 pixels or fewer
    are often shifted out of view, and digits become other digits. Warps fill with black; colour
    operations do not change grey images.
    """

    name: ClassVar[str] = "trivial-augment"
    source: ClassVar[str] = (
        "Müller & Hutter 2021, arXiv:2103.10158; torchvision's TrivialAugmentWide"
    )
    published: ClassVar[tuple[Published, ...]] = (torchvision_recipe(0.31),)

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, each with its own operation."""
        height, width = images.shape[2:]
        return operate_in_turn(images, draw(len(images), height, width, generator))

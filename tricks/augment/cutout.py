"""Cutout: paint over a square of each image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from tricks.augment.boxes import check_fill, paint
from tricks.augment.draws import ERASURE, chance, check_share
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def draw(
    side: int, count: int, height: int, width: int, generator: torch.Generator
) -> torch.Tensor:
    """(count, 4) int64 boxes (top, bottom, left, right): squares of `side`, clipped at the border.

    Their centres are uniform over all pixels.
    """
    import torch

    boxes = []
    for length in (height, width):
        size, device = (count,), generator.device
        first = torch.randint(length, size, generator=generator, device=device) - side // 2
        boxes += [first.clamp(min=0), (first + side).clamp(max=length)]
    return torch.stack(boxes, 1)


@dataclass(frozen=True)
class Cutout(Trick):
    """Paint over a square of each image.

    It helped small natural images in long trainings. Half a side is large: on digits it hides the
    digit, and the paper takes a quarter for CIFAR-100. Squares may reach over the border, so often
    less than a square is hidden. The fill is the mean colour, as in the paper.
    """

    name: ClassVar[str] = "cutout"
    source: ClassVar[str] = "DeVries & Taylor 2017, arXiv:1708.04552: 16 pixels of CIFAR-10's 32"
    stage: ClassVar[int] = ERASURE

    side: float = 0.5  # of the square, as a share of the image's
    p: float = 1.0  # share of the images
    fill: Literal["mean", "black", "noise"] = "mean"

    def __post_init__(self) -> None:
        check_share("side", self.side)
        check_share("p", self.p)
        check_fill(self.fill)

    @property
    def on_cpu(self) -> bool:
        """Whether it draws one value per pixel, on the generator's device."""
        return self.fill == "noise"

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, each with a square painted over."""
        height, width = images.shape[2:]
        side = max(1, round(self.side * min(height, width)))
        boxes = draw(side, len(images), height, width, generator)
        boxes = boxes * chance(self.p, len(images), generator).view(-1, 1)
        return paint(images, boxes, self.fill, generator)

"""Random erasing: paint over a rectangle of some images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from tricks.augment.boxes import check_fill, paint
from tricks.augment.draws import ERASURE, chance, check_range, check_share, uniform
from tricks.published import Published, torchvision_recipe
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

TRIES = 10  # boxes drawn for an image until one fits, as in torchvision


def draw(
    scale: tuple[float, ...],
    ratio: tuple[float, ...],
    count: int,
    height: int,
    width: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """(count, 4) int64 boxes (top, bottom, left, right) within height x width; empty if none fits.

    The area is uniform in `scale` (shares of the image), the logarithm of height over width, too.
    """
    import torch

    size = count * TRIES
    area = uniform(scale[0], scale[1], size, generator).view(count, TRIES) * (height * width)
    aspect = uniform(math.log(ratio[0]), math.log(ratio[1]), size, generator).exp()
    aspect = aspect.view(count, TRIES)
    tall, wide = (area * aspect).sqrt().round().long(), (area / aspect).sqrt().round().long()
    fits = (tall < height) & (wide < width)
    first = fits.int().argmax(1, keepdim=True)  # 0 if none fits
    found = fits.any(1)
    tall, wide = (side.gather(1, first).squeeze(1) * found for side in (tall, wide))
    # 24 bits of a draw are enough: an image has fewer positions.
    top = (uniform(0, 1, count, generator) * (height - tall + 1)).long().minimum(height - tall)
    left = (uniform(0, 1, count, generator) * (width - wide + 1)).long().minimum(width - wide)
    return torch.stack([top, top + tall, left, left + wide], 1)


@dataclass(frozen=True)
class RandomErasing(Trick):
    """Paint over a random rectangle of some of the images.

    The network learns not to depend on one part. Small images and short trainings may only lose
    accuracy. The fill is the mean colour, which is 0 after normalisation, as in torchvision's and
    timm's recipes; noise was best in the paper.
    """

    name: ClassVar[str] = "random-erasing"
    source: ClassVar[str] = "Zhong et al. 2020, arXiv:1708.04896; torchvision's ranges and timm's p"
    stage: ClassVar[int] = ERASURE
    published: ClassVar[tuple[Published, ...]] = (
        torchvision_recipe(0.19, "cumulative, with 600 epochs"),
    )

    p: float = 0.25  # share of the images
    scale: tuple[float, ...] = (0.02, 0.33)  # area, as a share of the image
    ratio: tuple[float, ...] = (0.3, 3.3)  # height over width
    fill: Literal["mean", "black", "noise"] = "mean"

    def __post_init__(self) -> None:
        check_share("p", self.p)
        check_range("scale", self.scale, 0, 1)
        check_range("ratio", self.ratio, 0.01, 100)
        check_fill(self.fill)

    @property
    def on_cpu(self) -> bool:
        """Whether it draws one value per pixel, on the generator's device."""
        return self.fill == "noise"

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, some of them with a box painted over."""
        height, width = images.shape[2:]
        boxes = draw(self.scale, self.ratio, len(images), height, width, generator)
        boxes = boxes * chance(self.p, len(images), generator).view(-1, 1)
        return paint(images, boxes, self.fill, generator)

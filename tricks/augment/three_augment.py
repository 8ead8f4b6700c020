"""3-Augment: one of greyscale, solarisation and blur, and some colour jitter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.color_jitter import draw, jitter
from tricks.augment.colours import luma, whole
from tricks.augment.draws import COLOUR, in_pieces, replaced, uniform, where
from tricks.augment.gaussian_blur import blur, pixels
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch

MIDDLE = 128  # levels from here on are inverted by solarisation
SIGMA = (0.1, 2.0)  # pixels of the blur
KERNEL = 0.1  # of the image's side, at least 3 pixels


def solarize(images: torch.Tensor) -> torch.Tensor:
    """uint8 (B, C, H, W) with every level of the upper half inverted, as Pillow does."""
    return images.where(images < MIDDLE, 255 - images)


def grey(images: torch.Tensor) -> torch.Tensor:
    """uint8 (B, C, H, W) without colour, in as many channels."""
    return images if images.shape[1] == 1 else whole(luma(images)).expand_as(images)


def three(images: torch.Tensor, chosen: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
    """uint8 (B, C, H, W), each image grey (0 in `chosen`, (B,)), solarised (1) or blurred (2).

    sigmas: (B,) pixels, of the blur.
    """
    width = pixels(KERNEL, min(images.shape[2:]))
    for number, act in enumerate((grey, solarize)):
        place = where(chosen == number, images)
        images = replaced(images, place, in_pieces(act, images.index_select(0, place)))
    mine = chosen == 2
    place = where(mine, images)

    def blurred(some: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
        return blur(some, sigmas, width)

    some = images.index_select(0, place)
    return replaced(images, place, in_pieces(blurred, some, sigmas[mine]))


@dataclass(frozen=True)
class ThreeAugment(Trick):
    """Make each image grey, solarise it or blur it, one of the three, and jitter its colours.

    It is simpler than RandAugment, and better for vision transformers on ImageNet (DeiT III, with
    a flip and a simple crop, which are separate tricks here). Small images have little detail to
    lose: at 8 pixels a blur of 2 pixels leaves only a blob. A third of grey images change only by
    the jitter.
    """

    name: ClassVar[str] = "three-augment"
    source: ClassVar[str] = "Touvron et al. 2022 (DeiT III), arXiv:2204.07118"
    stage: ClassVar[int] = COLOUR

    jitter: float = 0.3  # of brightness, contrast, saturation: factors 1 - jitter to 1 + jitter

    def __post_init__(self) -> None:
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter must be from 0 to 1, not {self.jitter}")

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, each by its own draw."""
        import torch

        count = len(images)
        chosen = torch.randint(3, (count,), generator=generator, device=generator.device)
        sigmas = uniform(SIGMA[0], SIGMA[1], count, generator)
        amounts = (self.jitter, self.jitter, self.jitter, 0.0)
        order, factors = draw(amounts, count, generator)
        images = three(images, chosen, sigmas)
        return jitter(images, order, factors) if self.jitter else images

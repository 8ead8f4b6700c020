"""Gaussian blur of some images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.colours import whole
from tricks.augment.draws import (
    BLUR,
    chance,
    check_range,
    check_share,
    in_pieces,
    replaced,
    uniform,
    where,
)
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def pixels(kernel: float, side: int) -> int:
    """The odd width in pixels of a kernel, given as a share of `side` or (from 1 on) in pixels.

    >>> [pixels(0.1, side) for side in (8, 32, 224)], pixels(5, 32)
    ([3, 3, 23], 5)
    """
    wanted = kernel if kernel >= 1 else max(3.0, kernel * side)
    largest = 2 * side - 1  # the limit of mirrored borders
    return min(int(wanted) // 2 * 2 + 1, largest)


def blur(images: torch.Tensor, sigmas: torch.Tensor, width: int) -> torch.Tensor:
    """uint8 (B, C, H, W), each image blurred by its sigma (B,) in pixels, with mirrored borders.

    `width`: odd number of pixels of the kernel, below twice the image's side.
    """
    import torch
    from torch.nn import functional

    half = width // 2
    x = torch.arange(-half, half + 1, device=images.device)
    taps = torch.softmax(
        -(x**2) / (2 * sigmas.to(images.device, non_blocking=True).view(-1, 1) ** 2), 1
    )  # (B, width)
    taps = taps.view(-1, width, 1, 1, 1)
    height, across = images.shape[2:]
    padded = functional.pad(images.float(), (half, half, half, half), mode="reflect")
    rows = taps[:, 0] * padded[:, :, :height]
    for i in range(1, width):
        rows.addcmul_(taps[:, i], padded[:, :, i : i + height])
    blurred = taps[:, 0] * rows[..., :across]
    for i in range(1, width):
        blurred.addcmul_(taps[:, i], rows[..., i : i + across])
    return whole(blurred.round_().clamp_(0, 255))


@dataclass(frozen=True)
class GaussianBlur(Trick):
    """Blur some of the images with a Gaussian of random width.

    It is for images that may be out of focus; it removes fine texture. Small images have little
    detail to lose: at 8 pixels a strong blur leaves only a blob. It costs most on large images,
    whose kernels are wide.
    """

    name: ClassVar[str] = "gaussian-blur"
    source: ClassVar[str] = "Chen et al. 2020 (SimCLR), arXiv:2002.05709"
    stage: ClassVar[int] = BLUR

    kernel: float = 0.1  # share of the image's side; from 1 on: pixels, odd
    sigma: tuple[float, ...] = (0.1, 2.0)  # pixels, uniform in this range
    p: float = 0.5  # share of the images

    def __post_init__(self) -> None:
        if self.kernel <= 0 or (self.kernel >= 1 and self.kernel % 2 != 1) or self.kernel == 1:
            raise ValueError(f"kernel must be a share or odd pixels from 3, not {self.kernel}")
        check_range("sigma", self.sigma, 0.01, 1000)
        check_share("p", self.p)

    def edits(self) -> Edits:
        return Edits(adds={"transforms": self})

    def apply(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, some of them blurred."""
        sigmas = uniform(self.sigma[0], self.sigma[1], len(images), generator)
        chosen = chance(self.p, len(images), generator)
        place = where(chosen, images)
        width = pixels(self.kernel, min(images.shape[2:]))
        some = images.index_select(0, place)
        return replaced(images, place, in_pieces(partial(blur, width=width), some, sigmas[chosen]))

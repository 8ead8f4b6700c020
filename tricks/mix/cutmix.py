"""CutMix: paste a rectangle of another image, and mix the targets by area."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.mix.mixup import HAS_PARTNERS, draw
from tricks.published import BASELINE, Published, of_cutmix, torchvision_recipe
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def clipped_box(
    height: int, width: int, lam: float, row: int, column: int
) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of a box with about 1 - lam of the area, clipped to the image.

    The box has the image's proportions and its centre at (`row`, `column`); ends are exclusive.

    >>> clipped_box(8, 8, 0.75, 1, 4)
    (0, 3, 2, 6)
    """
    half_height = int(height * math.sqrt(1 - lam)) // 2
    half_width = int(width * math.sqrt(1 - lam)) // 2
    return (
        max(row - half_height, 0), min(row + half_height, height),
        max(column - half_width, 0), min(column + half_width, width),
    )  # fmt: skip


def cutmix(
    images: torch.Tensor,
    targets: torch.Tensor,
    box: tuple[int, int, int, int],
    permutation: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Paste each partner's `box` = (top, bottom, left, right); mix targets by the area it covers.

    images (B, C, H, W) and targets (B, K) float; `permutation` (B,) gives each one's partner.
    """
    top, bottom, left, right = box
    mixed = images.clone()
    mixed[:, :, top:bottom, left:right] = images[permutation, :, top:bottom, left:right]
    # The box may be clipped: the partner's share is the area that remains.
    lam = 1 - (bottom - top) * (right - left) / (images.shape[2] * images.shape[3])
    return mixed, lam * targets + (1 - lam) * targets[permutation]


@dataclass(frozen=True)
class CutMix(Trick):
    """Paste a rectangle of another image and mix the targets by the area it covers.

    It helps in long trainings of large networks on natural images. Where the object fills the
    image, as in digits, the rectangle can hide it. The targets follow the covered area after
    clipping at the border. Accuracy on the mixed images means nothing. If MixUp is on as well,
    each batch draws one of the two.
    """

    name: ClassVar[str] = "cutmix"
    source: ClassVar[str] = "Yun et al. 2019, arXiv:1905.04899"
    standard: ClassVar[bool] = True
    published: ClassVar[tuple[Published, ...]] = (
        torchvision_recipe(0.28),
        of_cutmix(2.28),
        Published(
            0.94, "CIFAR-10, ResNet-18, 200 epochs", "SaliencyMix, arXiv:2006.01791", BASELINE, 5
        ),
    )

    alpha: float = 1.0  # the share that stays is Beta(alpha, alpha); 1 is uniform

    def __post_init__(self) -> None:
        if self.alpha <= 0:
            raise ValueError(f"alpha must be above 0, not {self.alpha}")

    def edits(self) -> Edits:
        return Edits(adds={"mixers": self}, acts=(HAS_PARTNERS,))

    def mix(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """images (B, C, H, W) float, targets (B, K) float -> the same, mixed."""
        import torch

        height, width = images.shape[2:]
        lam, permutation = draw(self.alpha, len(images), generator)
        device = generator.device
        row = int(torch.randint(height, (), generator=generator, device=device))
        column = int(torch.randint(width, (), generator=generator, device=device))
        box = clipped_box(height, width, lam, row, column)
        return cutmix(images, targets, box, permutation.to(images.device, non_blocking=True))

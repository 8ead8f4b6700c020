"""Shift TTA: average the predictions on an image and on its shifts to all sides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.predict.flip_tta import mean_of_probabilities
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def offsets(rings: int) -> list[tuple[int, int]]:
    """(rows, columns) of each shift: no shift, and eight directions at 1, 2, ... pixels.

    >>> len(offsets(2)), offsets(1)[:4]
    (17, [(0, 0), (-1, -1), (-1, 0), (-1, 1)])
    """
    directions = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
    return [(0, 0), *((r * y, r * x) for r in range(1, rings + 1) for y, x in directions)]


def shifts(images: torch.Tensor, rings: int) -> Iterator[torch.Tensor]:
    """(B, C, H, W) shifted by each of `offsets`; entering pixels repeat the edge."""
    from torch.nn import functional as F

    height, width = images.shape[-2:]
    padded = F.pad(images, (rings, rings, rings, rings), mode="replicate")
    for y, x in offsets(rings):
        top, left = rings - y, rings - x
        yield padded[:, :, top : top + height, left : left + width]


@dataclass(frozen=True)
class ShiftTTA(Trick):
    """When evaluating, average the probabilities of an image and of its shifts to all sides.

    The shifts go in eight directions (Moore neighbourhood) by 1 and by 2 pixels: 16 shifts and
    the image itself. It helps networks that are sensitive to shifts because of their strides.
    Evaluation takes 17 times as long; training takes the same time.
    """

    name: ClassVar[str] = "shift-tta"
    source: ClassVar[str] = (
        "airbench (Jordan 2024, arXiv:2404.00498) at one pixel; the rings are ours"
    )

    rings: int = 2  # rings of eight shifts each, by 1, 2, ... pixels

    def __post_init__(self) -> None:
        if self.rings < 1:
            raise ValueError(f"rings must be at least 1, not {self.rings}")

    def edits(self) -> Edits:
        return Edits(sets={"predict": self})

    def predict(self, model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (B, K) of images (B, C, H, W)."""
        return mean_of_probabilities(model, shifts(x, self.rings))

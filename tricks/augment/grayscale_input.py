"""Greyscale input: remove the colour of every image, also in evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.colours import luma, whole
from tricks.augment.draws import in_pieces
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class GrayscaleInput(Trick):
    """Remove the colour of every image, in training and in evaluation.

    It is for colours that will differ in use: other cameras, stains, seasons. `grayscale` changes
    only some training images. It acts after all augmentation; images keep their three channels.
    Grey images (one channel) are not changed.
    """

    name: ClassVar[str] = "grayscale-input"
    source: ClassVar[str] = "Xie and Richmond 2018, ECCV workshops; torchvision's Grayscale"

    def edits(self) -> Edits:
        return Edits(adds={"inputs": self})

    def prepared(self, images: torch.Tensor) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, all grey."""
        if images.shape[1] == 1:
            return images
        grey = in_pieces(lambda some: whole(luma(some)), images)
        return grey.expand(-1, 3, -1, -1)

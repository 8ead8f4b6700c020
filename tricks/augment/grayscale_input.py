"""Greyscale input: the network sees every image without its colour, when evaluating, too."""

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
    """Take the colour from every image, in training and in evaluation.

    For colours that will differ where the network is used: other cameras, stains, seasons.
    `grayscale` does it to some training images only. It acts after all augmentation; images keep
    their three channels. Grey images (one channel) are left as they are, so there it does nothing.
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

"""CLAHE input: equalise the local contrast of every image, also in evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.augment.clahe import clahe
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ClaheInput(Trick):
    """Even out the local contrast (CLAHE) of every image, in training and in evaluation.

    It is for pictures of low contrast; `clahe` changes only some training images. It acts after all
    augmentation, on the cropped image, as the last step before pixels are normalised.
    """

    name: ClassVar[str] = "clahe-input"
    source: ClassVar[str] = "Zuiderveld 1994, Graphics Gems IV; OpenCV's createCLAHE"
    stage: ClassVar[int] = 1  # after grayscale-input

    limit: float = 2.0  # of contrast: a multiple of a flat histogram
    tiles: int = 8  # a side

    def __post_init__(self) -> None:
        if not 0.1 <= self.limit <= 256:
            raise ValueError(f"limit must be from 0.1 to 256, not {self.limit}")
        if self.tiles < 1:
            raise ValueError(f"tiles must be at least 1, not {self.tiles}")

    def edits(self) -> Edits:
        return Edits(adds={"inputs": self})

    def prepared(self, images: torch.Tensor) -> torch.Tensor:
        """images (B, C, H, W) uint8 -> the same, all equalised."""
        import torch

        return clahe(images, torch.full((len(images),), self.limit), self.tiles)

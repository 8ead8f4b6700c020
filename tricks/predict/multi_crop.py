"""Multi-crop: average the predictions on the centre and the corners of an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.predict.flip_tta import mean_of_probabilities
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def crops(images: torch.Tensor, share: float) -> Iterator[torch.Tensor]:
    """The centre and the four corners of (B, C, H, W), each `share` of a side."""
    height, width = images.shape[-2:]
    rows, columns = (max(1, round(n * share)) for n in (height, width))
    down, right = height - rows, width - columns
    for top, left in ((down // 2, right // 2), (0, 0), (0, right), (down, 0), (down, right)):
        yield images[:, :, top : top + rows, left : left + columns]


@dataclass(frozen=True)
class MultiCrop(Trick):
    """When evaluating, average the probabilities of the image's centre and four corners.

    It helps where the object may be anywhere. The network sees smaller images than in training
    unless larger-evaluation(scale=1.143) compensates for it; networks of a fixed input size (most
    transformers) need this. Evaluation takes nearly four times as long; training takes the same
    time.
    """

    name: ClassVar[str] = "multi-crop"
    source: ClassVar[str] = "Krizhevsky et al. 2012 (224 of 256 pixels; there with mirror images)"

    share: float = 0.875  # of the image's side

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share must be above 0 and below 1, not {self.share}")

    def edits(self) -> Edits:
        return Edits(sets={"predict": self})

    def predict(self, model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (B, K) of images (B, C, H, W)."""
        return mean_of_probabilities(model, crops(x, self.share))

"""Flip TTA: average the predictions on an image and on its mirror image."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def mean_of_probabilities(model: torch.nn.Module, views: Iterable[torch.Tensor]) -> torch.Tensor:
    """The log of `model`'s mean probabilities over `views`; (B, K).

    views: images (B, C, H, W) each, of any size; only one view is in memory at a time.
    """
    import torch

    logs = [torch.log_softmax(model(x).float(), 1) for x in views]
    return torch.stack(logs).logsumexp(0) - math.log(len(logs))


@dataclass(frozen=True)
class FlipTTA(Trick):
    """When evaluating, average the probabilities of an image and of its mirror image.

    It helps where mirror images belong to the same class, most if training used them; it hurts on
    digits and letters. Evaluation takes twice the time; training takes the same time.
    """

    name: ClassVar[str] = "flip-tta"
    source: ClassVar[str] = "Krizhevsky et al. 2012 (ImageNet classification with deep CNNs)"

    def edits(self) -> Edits:
        return Edits(sets={"predict": self})

    def predict(self, model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        """Log-probabilities (B, K) of images (B, C, H, W)."""
        return mean_of_probabilities(model, (x, x.flip(-1)))

"""Binary cross-entropy: every class a question of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from tricks.recipe import Recipe
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def binary_cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, threshold: float = 0.0
) -> torch.Tensor:
    """(B, K) losses: -y log σ(z) - (1 - y) log(1 - σ(z)).

    logits and targets (B, K); with a `threshold`, targets above it count as 1, all others as 0.
    """
    from torch.nn import functional as F

    if threshold:
        targets = (targets > threshold).to(targets.dtype)
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")


@dataclass(frozen=True)
class BCE(Trick):
    """Ask about every class by itself (binary cross-entropy) instead of choosing one of all.

    Helps with MixUp and CutMix, where two classes are right at once, in long trainings. The losses
    of an image's K classes are summed, so that the gradient is of cross-entropy's size and its
    learning rate fits; the paper takes their mean, K times less, with an optimizer that does not
    mind (LAMB). Its 0.2 as the threshold makes both classes of a mixed image wholly right, and
    takes smoothing back. Training losses cannot be compared with cross-entropy's; the validation
    loss stays that.
    """

    name: ClassVar[str] = "bce"
    source: ClassVar[str] = "Wightman et al. 2021 (ResNet strikes back), arXiv:2110.00476"

    over_classes: Literal["sum", "mean"] = "sum"
    threshold: float = 0.0  # targets above it become 1, others 0; 0: soft targets as they are

    def __post_init__(self) -> None:
        if self.over_classes not in ("sum", "mean"):
            raise ValueError(f"over_classes must be sum or mean, not {self.over_classes!r}")
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold must be at least 0 and below 1, not {self.threshold}")

    def edits(self) -> Edits:
        return Edits(sets={"objective": self})

    def sees_smoothing(self, recipe: Recipe) -> bool:
        """Whether smoothed targets give another loss: a threshold makes 0 and 1 of them again.

        Those of mixed images lie nearer to it, and smoothing moves some past it.
        """
        return not self.threshold or bool(recipe.mixers)

    def loss(self, model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The batch's mean loss: images (B, C, H, W), targets (B, K)."""
        losses = binary_cross_entropy(model(x), y, self.threshold)
        return losses.sum(1).mean() if self.over_classes == "sum" else losses.mean()

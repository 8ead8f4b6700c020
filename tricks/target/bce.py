"""Binary cross-entropy: a separate yes-or-no decision for every class."""

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
    """Decide about every class separately (binary cross-entropy) instead of choosing one class.

    It helps with MixUp and CutMix, where two classes are correct at once, in long trainings. The
    losses of an image's K classes are summed, so the gradient has cross-entropy's size and its
    learning rate fits. The paper takes their mean, which is K times smaller, with an optimizer that
    ignores this factor (LAMB). The paper's threshold of 0.2 makes both classes of a mixed image
    fully correct and undoes smoothing. Training losses cannot be compared with cross-entropy's; the
    validation loss is always cross-entropy.
    """

    name: ClassVar[str] = "bce"
    source: ClassVar[str] = "Wightman et al. 2021 (ResNet strikes back), arXiv:2110.00476"

    over_classes: Literal["sum", "mean"] = "sum"
    threshold: float = 0.0  # targets above it become 1, others 0; 0: soft targets are kept

    def __post_init__(self) -> None:
        if self.over_classes not in ("sum", "mean"):
            raise ValueError(f"over_classes must be sum or mean, not {self.over_classes!r}")
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold must be at least 0 and below 1, not {self.threshold}")

    def edits(self) -> Edits:
        return Edits(sets={"objective": self})

    def sees_smoothing(self, recipe: Recipe) -> bool:
        """Whether smoothing changes the loss: a threshold turns smoothed targets into 0 and 1.

        Targets of mixed images are closer to the threshold, and smoothing moves some across it.
        """
        return not self.threshold or bool(recipe.mixers)

    def loss(self, model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The batch's mean loss: images (B, C, H, W), targets (B, K)."""
        losses = binary_cross_entropy(model(x), y, self.threshold)
        return losses.sum(1).mean() if self.over_classes == "sum" else losses.mean()

"""Focal loss: images that are already predicted correctly count little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def focal(logits: torch.Tensor, targets: torch.Tensor, gamma: float) -> torch.Tensor:
    """(B,) losses: -Σ_k y_k (1 - p_k)^gamma log p_k, with p the softmax; logits, targets (B, K).

    It is computed at least in fp32: autocast ensures this on a GPU, but not on a CPU.
    """
    import torch

    logs = torch.log_softmax(logits, 1, dtype=torch.promote_types(logits.dtype, torch.float32))
    return -(targets * (1 - logs.exp()).clamp_min(0) ** gamma * logs).sum(1)


@dataclass(frozen=True)
class Focal(Trick):
    """Weight the loss of a class by the distance of its probability from 1.

    It was made for detection, where easy background dominates the loss. With balanced classes it
    improves calibration more than accuracy. It works on soft targets, class by class. The loss and
    the gradient are smaller than cross-entropy's, so a larger learning rate may be better.
    """

    name: ClassVar[str] = "focal"
    source: ClassVar[str] = "Lin et al. 2017, arXiv:1708.02002 (over a softmax, without alpha)"

    gamma: float = 2.0  # 0 is cross-entropy

    def __post_init__(self) -> None:
        # Below 1 the slope at p = 1 is infinite.
        if self.gamma < 1:
            raise ValueError(f"gamma must be at least 1, not {self.gamma}")

    def edits(self) -> Edits:
        return Edits(sets={"objective": self})

    def loss(self, model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The batch's mean loss: images (B, C, H, W), targets (B, K)."""
        return focal(model(x), y, self.gamma).mean()

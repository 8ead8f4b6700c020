"""Adaptive gradient clipping: a limit for each unit, in proportion to its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.start.frozen_backbone import head_parameters, trains_backbone
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class AdaptiveClip(Trick):
    """Scale a unit's gradient down where its norm exceeds a share of the norm of its weights.

    It was made for networks without batch norm at large batches and learning rates. A unit is one
    output of a layer (a whole bias, or a norm's whole scale). The head is not clipped, as in the
    paper. The head is the model's classifier; timm takes the last two parameters instead.
    The paper's factor is for batches of 4,096; smaller batches allow up to 0.16. Weights that are
    zero (zero-gamma, a new bias) are clipped as if their norm were `least`, which slows their first
    steps.
    """

    name: ClassVar[str] = "adaptive-clip"
    source: ClassVar[str] = "Brock et al. 2021, arXiv:2102.06171; timm.utils.agc"

    share: float = 0.01  # largest gradient norm of a unit, by the norm of its weights
    least: float = 1e-3  # smallest norm of weights in the limit

    def __post_init__(self) -> None:
        for name in ("share", "least"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")

    def edits(self) -> Edits:
        still = "it does not clip the head, and frozen-backbone trains only the head"
        return Edits(sets={"clip": self}, acts=((trains_backbone, still),))

    def clip(self, model: torch.nn.Module) -> None:
        """Clip, in place, the gradients of `model` except its head."""
        from timm.utils.agc import adaptive_clip_grad

        top = head_parameters(model)
        body = [p for p in model.parameters() if id(p) not in top]
        adaptive_clip_grad(body, clip_factor=self.share, eps=self.least)

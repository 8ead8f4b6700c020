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

    Made for networks without batch norm at large batches and learning rates. A unit is one output
    of a layer (the whole of a bias, or of a norm's scale). The head is left out, as the paper
    has it: by what the model says is its classifier, where timm takes the last two parameters.
    The paper's factor is for batches of 4,096; smaller ones take up to 0.16. Weights that are
    zero (zero-gamma's, a new bias) can move by `least` only, which holds back their first steps.
    """

    name: ClassVar[str] = "adaptive-clip"
    source: ClassVar[str] = "Brock et al. 2021, arXiv:2102.06171; timm.utils.agc"

    share: float = 0.01  # largest gradient norm of a unit, by the norm of its weights
    least: float = 1e-3  # the norm of weights that counts as such

    def __post_init__(self) -> None:
        for name in ("share", "least"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")

    def edits(self) -> Edits:
        still = "it leaves out the head, and frozen-backbone trains nothing else"
        return Edits(sets={"clip": self}, acts=((trains_backbone, still),))

    def clip(self, model: torch.nn.Module) -> None:
        """Clip, in place, the gradients of all of `model` but its head."""
        from timm.utils.agc import adaptive_clip_grad

        top = head_parameters(model)
        body = [p for p in model.parameters() if id(p) not in top]
        adaptive_clip_grad(body, clip_factor=self.share, eps=self.least)

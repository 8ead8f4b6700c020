"""Clip by norm: limit the length of the whole gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ClipNorm(Trick):
    """Scale the gradient down where its norm, over all parameters, exceeds a limit.

    The direction stays the same. It limits rare, huge gradients. With optimizers that scale by the
    gradient's history (Adam-like optimizers) it has little effect. A limit below the usual norm
    makes every step equally long and acts as a smaller learning rate.
    """

    name: ClassVar[str] = "clip-norm"
    source: ClassVar[str] = "Pascanu et al. 2013, arXiv:1211.5063; torch.nn.utils.clip_grad_norm_"

    max_norm: float = 1.0  # of the gradient of all parameters together

    def __post_init__(self) -> None:
        if self.max_norm <= 0:
            raise ValueError(f"max_norm must be above 0, not {self.max_norm}")

    def edits(self) -> Edits:
        return Edits(sets={"clip": self})

    def clip(self, model: torch.nn.Module) -> None:
        """Clip, in place, the gradients of `model`."""
        from torch.nn.utils import clip_grad_norm_

        clip_grad_norm_(model.parameters(), self.max_norm)

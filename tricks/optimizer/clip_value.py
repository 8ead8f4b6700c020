"""Clip by value: no entry of the gradient exceeds a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ClipValue(Trick):
    """Cut every entry of the gradient at a limit, up and down.

    Simpler than clipping by norm, and it bends the direction. Entries of a network with batch
    norm are far below 1 mostly, so that a limit has to be small to do anything: the paper's, for
    recurrent networks, is 10.
    """

    name: ClassVar[str] = "clip-value"
    source: ClassVar[str] = "Graves 2013, arXiv:1308.0850; torch.nn.utils.clip_grad_value_"

    limit: float = 0.1  # of each entry's size

    def __post_init__(self) -> None:
        if self.limit <= 0:
            raise ValueError(f"limit must be above 0, not {self.limit}")

    def edits(self) -> Edits:
        return Edits(sets={"clip": self})

    def clip(self, model: torch.nn.Module) -> None:
        """Clip, in place, the gradients of `model`."""
        from torch.nn.utils import clip_grad_value_

        clip_grad_value_(model.parameters(), self.limit)

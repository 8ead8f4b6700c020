"""Clip by value: limit every entry of the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ClipValue(Trick):
    """Cut every entry of the gradient at a limit, up and down.

    It is simpler than clipping by norm, but it changes the direction. In a network with batch norm
    most entries are far below 1, so only a small limit has an effect. The paper's limit of 10 is
    for recurrent networks.
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

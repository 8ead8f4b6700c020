"""SWA: the mean of the weights over the end of the training."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tricks.average.ema import blend
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class SWA(Trick):
    """Evaluate the plain mean of the weights over the last part of the training.

    It finds wider minima if the learning rate stays large in that part; the paper uses a constant
    or cyclic rate. The schedule decides the learning rate: if it decays to zero, the weights hardly
    move and their mean is close to the last weights. Every step counts (in the paper, the last step
    of every epoch). Before an evaluation batch norm's statistics are recomputed for the mean
    weights, over the epoch's images (10,000 at most), as in the paper. On digits after 4 epochs
    averaged statistics cost 4 pp. Recomputing the baseline's statistics gains 1.1 pp there, so a
    part of the effect in a short training comes from the statistics. It costs one more copy of the
    weights, a pass over them at each step, and a forward pass over those images after each epoch
    from `start` on.
    """

    name: ClassVar[str] = "swa"
    source: ClassVar[str] = "Izmailov et al. 2018, arXiv:1803.05407"
    version: ClassVar[int] = 2  # version 1 averaged the statistics of the norms

    start: float = 0.75  # share of the training after which weights count

    def __post_init__(self) -> None:
        if not 0 <= self.start < 1:
            raise ValueError(f"start must be at least 0 and below 1, not {self.start}")

    def edits(self) -> Edits:
        return Edits(sets={"average": self})

    def begin(self, model: torch.nn.Module, steps: int) -> torch.nn.Module:
        """A copy of `model` to hold the mean."""
        return copy.deepcopy(model).requires_grad_(False)

    def update(
        self, averaged: torch.nn.Module, model: torch.nn.Module, place: int, steps: int
    ) -> None:
        """Add the weights after step `place` of `steps` to the mean; copy them before the start."""
        blend(averaged, model, 1 / self._counted(place, steps))

    def own_statistics(self, place: int, steps: int) -> bool:
        """Whether the average after step `place` contains several weights."""
        return self._counted(place, steps) > 1

    def _counted(self, place: int, steps: int) -> int:
        return max(1, place - int(self.start * steps) + 1)

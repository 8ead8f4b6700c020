"""Linear: the learning rate falls along a straight line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class Linear(Trick):
    """Let the learning rate fall along a straight line to zero over the whole training.

    In a comparison at fixed budgets it did as well as any other schedule, for every length of
    training. A warmup multiplies it. The first and the last step have a learning rate above zero.
    """

    name: ClassVar[str] = "linear"
    source: ClassVar[str] = "Li et al. 2020, arXiv:1905.04753"

    def edits(self) -> Edits:
        return Edits(sets={"schedule": self})

    def scale(self, progress: float) -> float:
        """The lr factor at `progress` in (0, 1) of the whole training."""
        return 1.0 - progress

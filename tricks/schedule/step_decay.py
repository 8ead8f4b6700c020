"""Step decay, the baseline's schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class StepDecay(Trick):
    """Divide the learning rate by ten at a few fixed shares of training."""

    name: ClassVar[str] = "step-decay"
    source: ClassVar[str] = "He et al. 2016, arXiv:1512.03385"

    milestones: tuple[float, ...] = (0.5, 0.75)  # shares of training
    gamma: float = 0.1  # factor at each milestone

    def __post_init__(self) -> None:
        if not all(0 < m < 1 for m in self.milestones):
            raise ValueError(f"milestones must lie between 0 and 1, not {self.milestones}")
        if not 0 < self.gamma <= 1:
            raise ValueError(f"gamma must be above 0 and at most 1, not {self.gamma}")

    def edits(self) -> Edits:
        return Edits(sets={"schedule": self})

    def scale(self, progress: float) -> float:
        """The lr factor at `progress` in [0, 1) of the whole training."""
        return self.gamma ** sum(progress >= m for m in self.milestones)

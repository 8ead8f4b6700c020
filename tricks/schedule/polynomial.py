"""Polynomial: the learning rate falls as a power of the rest of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class Polynomial(Trick):
    """Let the learning rate fall as a power of the share of training that remains.

    Power 2 came with LARS and very large batches, 0.9 with segmentation networks; power 1 is
    linear. High powers spend much of training at small rates. A warmup multiplies it.
    """

    name: ClassVar[str] = "polynomial"
    source: ClassVar[str] = "You et al. 2017, arXiv:1708.03888"

    power: float = 2.0

    def __post_init__(self) -> None:
        if self.power <= 0:
            raise ValueError(f"power must be above 0, not {self.power}")

    def edits(self) -> Edits:
        return Edits(sets={"schedule": self})

    def scale(self, progress: float) -> float:
        """The lr factor at `progress` in (0, 1) of the whole training."""
        return float((1.0 - progress) ** self.power)

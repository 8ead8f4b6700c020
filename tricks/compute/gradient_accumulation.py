"""Gradient accumulation: a batch in several passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class GradientAccumulation(Trick):
    """Compute a batch's gradient in several passes, for batches that do not fit into memory.

    The batch, its steps and its learning rate stay; each pass takes its part of the images, of
    nearly equal size where the batch cannot be divided evenly. Not the same mathematics where
    layers look at a batch: batch norm takes the statistics of each part (small parts, noisy
    statistics), and its running statistics see each part in turn. Slower by what small passes lose.
    """

    name: ClassVar[str] = "gradient-accumulation"
    source: ClassVar[str] = "Goyal et al. 2017, arXiv:1706.02677"

    parts: int = 2  # passes to a batch

    def __post_init__(self) -> None:
        if self.parts < 2:
            raise ValueError(f"parts must be at least 2, not {self.parts}")

    def edits(self) -> Edits:
        reason = f"{self.parts} passes need at least as many images"
        return Edits(
            sets={"parts": self.parts},
            needs={"batch_size": (lambda images: images >= self.parts, reason)},
        )

"""Gradient accumulation: a batch in several passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class GradientAccumulation(Trick):
    """Compute a batch's gradient in several passes, for batches that do not fit into memory.

    The batch, the steps and the learning rate stay the same. Each pass takes a part of the images;
    the parts have nearly equal size if the batch cannot be divided evenly. The mathematics differs
    for layers that use batch statistics: batch norm computes them over each part (small parts give
    noisy statistics), and its running statistics use each part in turn. Small passes are slower.
    """

    name: ClassVar[str] = "gradient-accumulation"
    source: ClassVar[str] = "Goyal et al. 2017, arXiv:1706.02677"

    parts: int = 2  # passes per batch

    def __post_init__(self) -> None:
        if self.parts < 2:
            raise ValueError(f"parts must be at least 2, not {self.parts}")

    def edits(self) -> Edits:
        reason = f"{self.parts} passes need at least as many images"
        return Edits(
            sets={"parts": self.parts},
            needs={"batch_size": (lambda images: images >= self.parts, reason)},
        )

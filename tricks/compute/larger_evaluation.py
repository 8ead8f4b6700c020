"""Larger evaluation: images a little larger than in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.published import Published, torchvision_recipe
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class LargerEvaluation(Trick):
    """Evaluate on larger images than in training.

    Random resized crops make objects larger in training than in evaluation; larger images in
    evaluation compensate for it. Without such crops it often hurts. Evaluation takes `scale`
    squared times as long; training takes the same time. Small stored images are only enlarged. It
    does not work with networks of a fixed input size (most transformers).
    """

    name: ClassVar[str] = "larger-evaluation"
    source: ClassVar[str] = "Touvron et al. 2019 (FixRes), arXiv:1906.06423: 224 -> 288 pixels"
    published: ClassVar[tuple[Published, ...]] = (
        torchvision_recipe(0.16, "cumulative, by training at 176 pixels"),
    )

    scale: float = 1.285  # evaluation's pixels a side over training's

    def __post_init__(self) -> None:
        if not 1 < self.scale <= 4:
            raise ValueError(f"scale must be above 1 and at most 4, not {self.scale}")

    def edits(self) -> Edits:
        return Edits(sets={"eval_scale": self.scale})

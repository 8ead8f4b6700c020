"""Weight decay: how fast weights shrink, whichever the optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.published import Published
from tricks.recipe import Recipe
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class WeightDecay(Trick):
    """Pull all weights towards zero at each step by another share than the optimizer's own.

    Sets the decay of whichever optimizer holds, in that optimizer's meaning: added to the gradient
    (sgd, adam, lars), or apart from it and times the learning rate (adamw, adopt, lamb ...), so
    that the same number is milder in the one than in the other. In networks with norms it acts
    through the effective learning rate: tune both together where that is possible.
    """

    name: ClassVar[str] = "weight-decay"
    source: ClassVar[str] = "Krogh and Hertz 1991, NeurIPS 4; Zhang et al. 2019, arXiv:1810.12281"
    published: ClassVar[tuple[Published, ...]] = (
        Published(
            0.53,
            "ImageNet, ResNet-50",
            "torchvision's new recipe, PyTorch blog 2021",
            "cumulative, tuned",
        ),
    )

    decay: float = 0.02

    def __post_init__(self) -> None:
        if self.decay < 0:
            raise ValueError(f"decay must be at least 0, not {self.decay}")

    def edits(self) -> Edits:
        return Edits(
            sets={"decay": self.decay}, acts=((self._is_another, "the optimizer has that decay"),)
        )

    def _is_another(self, recipe: Recipe) -> bool:
        return getattr(recipe.optimizer, "decay", None) != self.decay

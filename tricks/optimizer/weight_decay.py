"""Weight decay: how fast weights shrink, with any optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.published import Published, torchvision_recipe
from tricks.recipe import Recipe
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class WeightDecay(Trick):
    """Pull all weights towards zero by another share at each step than the optimizer's default.

    It sets the decay of the optimizer, with that optimizer's meaning: added to the gradient (sgd,
    adam, lars), or decoupled and multiplied by the learning rate (adamw, adopt, lamb ...). So the
    same number has a different strength for different optimizers. In networks with norms it acts
    through the effective learning rate: tune both together if possible.
    """

    name: ClassVar[str] = "weight-decay"
    source: ClassVar[str] = "Krogh and Hertz 1991, NeurIPS 4; Zhang et al. 2019, arXiv:1810.12281"
    published: ClassVar[tuple[Published, ...]] = (torchvision_recipe(0.53, "cumulative, tuned"),)

    decay: float = 0.02

    def __post_init__(self) -> None:
        if self.decay < 0:
            raise ValueError(f"decay must be at least 0, not {self.decay}")

    def edits(self) -> Edits:
        return Edits(
            sets={"decay": self.decay}, acts=((self._is_another, "the optimizer has this decay"),)
        )

    def _is_another(self, recipe: Recipe) -> bool:
        return getattr(recipe.optimizer, "decay", None) != self.decay

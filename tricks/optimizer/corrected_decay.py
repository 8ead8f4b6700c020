"""Corrected weight decay: decay that decreases with the learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.recipe import Recipe, decay_of
from tricks.trick import Edits, Trick


def changing(recipe: Recipe) -> bool:
    """Whether there is a decay, and a learning rate that changes."""
    return decay_of(recipe) > 0 and (recipe.schedule is not None or recipe.warmup is not None)


@dataclass(frozen=True)
class CorrectedDecay(Trick):
    """Multiply weight decay by the learning rate over its largest value.

    In networks with norms, decay and learning rate together set the ratio of weights to gradients.
    When the rate falls, a constant decay shrinks the weights, and gradients grow towards the end.
    The correction keeps the ratio. It works with any optimizer that decays. adamw then multiplies
    its decay by lr² / max(lr) (AdamC, timm's adamc), and sgd adds the share lr / max(lr) of its
    decay to the gradient.
    """

    name: ClassVar[str] = "corrected-decay"
    source: ClassVar[str] = "Defazio 2025, arXiv:2506.02285; timm.optim's corrected_weight_decay"

    def edits(self) -> Edits:
        reason = "it needs a weight decay and a learning rate that changes"
        return Edits(sets={"corrected_decay": True}, acts=((changing, reason),))

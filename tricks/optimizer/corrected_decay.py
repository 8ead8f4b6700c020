"""Corrected weight decay: decay that follows the learning rate down."""

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

    In networks with norms, weights and gradients settle at a ratio that decay and the learning
    rate set together; as the rate falls, the same decay shrinks weights and gradients grow towards
    the end. Corrected, the ratio stays. For whichever optimizer decays: adamw then takes
    lr² / max(lr) of its decay (AdamC, timm's adamc), sgd the share lr / max(lr) of what it adds to
    the gradient.
    """

    name: ClassVar[str] = "corrected-decay"
    source: ClassVar[str] = "Defazio 2025, arXiv:2506.02285; timm.optim's corrected_weight_decay"

    def edits(self) -> Edits:
        reason = "it needs a weight decay and a learning rate that changes"
        return Edits(sets={"corrected_decay": True}, acts=((changing, reason),))

"""No bias decay: weight decay acts only on weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.recipe import decay_of
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def _decays_all(optimizer: Any) -> bool:
    return optimizer is None or optimizer.name not in ("lars", "lamb")


@dataclass(frozen=True)
class NoBiasDecay(Trick):
    """Apply no weight decay to biases, nor to the scales and shifts of norms.

    Decay of these parameters does not regularise; the gain is larger with large batches. They are
    all parameters of at most one dimension, including EvoNorm's v, and parameters that a timm model
    names (position embeddings). lars and lamb never decay them.
    """

    name: ClassVar[str] = "no-bias-decay"
    source: ClassVar[str] = "He et al. 2019, arXiv:1812.01187; Jia et al. 2018, arXiv:1807.11205"

    def edits(self) -> Edits:
        reason = "lars and lamb never decay biases and norms"
        return Edits(
            sets={"groups": self},
            needs={"optimizer": (_decays_all, reason)},
            acts=((lambda recipe: decay_of(recipe) > 0, "there is no weight decay"),),
        )

    def split(self, model: torch.nn.Module) -> list[dict[str, Any]]:
        """The parameters of `model` in two groups: with weight decay, and without."""
        ask: Any = getattr(model, "no_weight_decay", None)
        named = set(ask()) if ask is not None else set()
        decaying: list[Any] = []
        others: list[Any] = []
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                (others if parameter.ndim <= 1 or name in named else decaying).append(parameter)
        return [{"params": decaying}, {"params": others, "weight_decay": 0.0}]

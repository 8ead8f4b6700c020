"""Dropout in front of the classifier."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.errors import BadInput
from tricks.start.frozen_backbone import classifiers
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def drop(rate: float, module: torch.nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The classifier's input with each feature zeroed at `rate`, and the others scaled up."""
    from torch.nn import functional as F

    return (F.dropout(inputs[0], rate, training=module.training), *inputs[1:])


@dataclass(frozen=True)
class Dropout(Trick):
    """Zero features in front of the classifier at random while training.

    It helps large networks on few images; with batch norm and a global average it often does
    little. It works on any network with a classifier; if there are several heads, each draws
    separately. Pretrained weights are all kept.
    """

    name: ClassVar[str] = "dropout"
    source: ClassVar[str] = "Srivastava et al. 2014, JMLR 15:1929; torch.nn.functional.dropout"
    stage: ClassVar[int] = 2

    rate: float = 0.5  # share of the features

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise ValueError(f"rate must be above 0 and below 1, not {self.rate}")

    def edits(self) -> Edits:
        return Edits(adds={"surgery": self})

    def operate(self, model: torch.nn.Module) -> None:
        """Put dropout in front of the classifier. Raises BadInput if there is no classifier."""
        tops = classifiers(model)
        if not tops:
            raise BadInput(f"dropout found no classifier in {type(model).__name__}")
        for top in tops:
            top.register_forward_pre_hook(partial(drop, self.rate))

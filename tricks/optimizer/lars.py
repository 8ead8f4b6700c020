"""LARS: SGD with a step for each layer in proportion to its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.optimizer.groups import divide
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def split_by_rank(parameters: list[Any]) -> list[dict[str, Any]]:
    """Groups in which parameters of rank 0 and 1 (norms, biases) neither decay nor adapt.

    `parameters` are tensors or groups; a group's own settings stay with both of its parts.
    """
    weights, vectors = divide(parameters, lambda p: p.ndim > 1)
    plain = {"weight_decay": 0.0, "always_adapt": False}
    return [*weights, *({**group, **plain} for group in vectors)]


@dataclass(frozen=True)
class LARS(Trick):
    """Give each layer a step in proportion to the size of its weights.

    Made for very large batches; at ordinary ones it is rarely better than SGD. One step is
    v = momentum * v + trust * |w| / (|g| + decay * |w|) * (g + decay * w);  w = w - lr * v,
    with the norms |.| of a whole layer. Norms and biases take plain SGD steps at the same lr,
    without decay. Its lr is far above SGD's: each task has one tuned for it.
    """

    name: ClassVar[str] = "lars"
    source: ClassVar[str] = "You et al. 2017, arXiv:1708.03888; timm.optim.Lars"
    factor: ClassVar[str | None] = "optimizer"
    standard: ClassVar[bool] = True

    lr: float | None = None  # None: the task's tuned lr
    momentum: float = 0.9
    trust: float = 0.001  # length of a step at lr 1, as a share of the layer's norm
    decay: float = 5e-4

    def __post_init__(self) -> None:
        check(self)

    def edits(self) -> Edits:
        return Edits(sets={"optimizer": self})

    def build(self, parameters: list[Any]) -> torch.optim.Optimizer:
        """An optimizer over `parameters` (tensors or groups); the loop sets lr at each step."""
        from timm.optim import Lars

        # Without always_adapt timm adapts only groups that decay; its own momentum is 0.
        # foreach, which timm leaves off on a CPU, takes a third of the time for many small layers.
        return Lars(
            split_by_rank(parameters), lr=self.lr or 0.0, momentum=self.momentum,
            weight_decay=self.decay, trust_coeff=self.trust, always_adapt=True, foreach=True,
        )  # fmt: skip

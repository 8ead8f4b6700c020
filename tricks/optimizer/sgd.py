"""SGD with momentum, the baseline's optimizer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class SGD(Trick):
    """Follow the gradient with momentum.

    torch's form: v = momentum * v + g, w = w - lr * v, with v one step ahead under `nesterov`. In
    the paper v includes the lr. The two forms differ only while the lr changes. Tuned rates and
    published recipes use torch's form.
    """

    name: ClassVar[str] = "sgd"
    source: ClassVar[str] = "Sutskever et al. 2013, ICML; torch.optim.SGD"
    factor: ClassVar[str | None] = "optimizer"

    lr: float | None = None  # None: the task's tuned lr
    momentum: float = 0.9
    nesterov: bool = True
    decay: float = 5e-4

    def __post_init__(self) -> None:
        check(self)

    def edits(self) -> Edits:
        return Edits(sets={"optimizer": self})

    def build(self, parameters: list[Any]) -> torch.optim.Optimizer:
        """An optimizer over `parameters` (tensors or groups); the loop sets lr at each step."""
        import torch

        return torch.optim.SGD(
            parameters, lr=self.lr or 0.0, momentum=self.momentum,
            nesterov=self.nesterov and self.momentum > 0, weight_decay=self.decay, fused=True,
        )  # fmt: skip

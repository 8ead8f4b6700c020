"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NAdam(Trick):
    """Step as Adam does, but with Nesterov's momentum, which looks one step ahead.

    Momentum rises over some hundred steps to the first of the betas, which gives a soft start.
    Decay is decoupled from the gradient, as in AdamW (the paper has no decay).
    """

    name: ClassVar[str] = "nadam"
    source: ClassVar[str] = "Dozat 2016, ICLR workshop; torch.optim.NAdam"
    factor: ClassVar[str | None] = "optimizer"
    lr_like: ClassVar[tuple[str, float]] = ("adamw", 1.0)  # where a task has no lr for it

    lr: float | None = None  # None: the task's tuned lr, or AdamW's
    betas: tuple[float, ...] = (0.9, 0.999)  # memory of the gradient and of its square
    eps: float = 1e-8
    decay: float = 0.01

    def __post_init__(self) -> None:
        check(self)

    def edits(self) -> Edits:
        return Edits(sets={"optimizer": self})

    def build(self, parameters: list[Any]) -> torch.optim.Optimizer:
        """An optimizer over `parameters` (tensors or groups); the loop sets lr at each step."""
        import torch

        first, second = self.betas
        # foreach is off by default on a CPU; it is faster for many small layers.
        return torch.optim.NAdam(
            parameters, lr=self.lr or 0.0, betas=(first, second), eps=self.eps,
            weight_decay=self.decay, decoupled_weight_decay=True, foreach=True,
        )  # fmt: skip

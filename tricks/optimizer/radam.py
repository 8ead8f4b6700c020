"""RAdam: Adam that waits until its scale is estimated well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RAdam(Trick):
    """Step as Adam does, but only once the size of gradients is estimated well enough.

    The first steps are plain momentum: five with the usual betas, until the average of squares has
    a length of 5, as in the authors' code (the paper has 4). Then a growing factor rectifies the
    step. This acts as a warmup over about 1,000 steps, so another warmup adds little, and a shorter
    training never reaches the full rate. At AdamW's large rates the first plain steps can be too
    long. Decay is decoupled from the gradient, as in AdamW.
    """

    name: ClassVar[str] = "radam"
    source: ClassVar[str] = "Liu et al. 2020, arXiv:1908.03265; torch.optim.RAdam"
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
        return torch.optim.RAdam(
            parameters, lr=self.lr or 0.0, betas=(first, second), eps=self.eps,
            weight_decay=self.decay, decoupled_weight_decay=True, foreach=True,
        )  # fmt: skip

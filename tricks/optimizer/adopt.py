"""ADOPT: Adam whose scale does not include the present gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ADOPT(Trick):
    """Scale the gradient by its history up to the step before, then apply momentum.

    It converges for any beta; Adam may not. The first step only measures the gradient. Step t clips
    the scaled gradient at (t - 1)^(1/4), the paper's bound (timm has 1/3). It needs 0.3 to 0.5 of
    AdamW's learning rate. Decay is decoupled from the gradient, as in AdamW.
    """

    name: ClassVar[str] = "adopt"
    source: ClassVar[str] = "Taniguchi et al. 2024, arXiv:2411.02853; timm.optim.Adopt"
    factor: ClassVar[str | None] = "optimizer"
    lr_like: ClassVar[tuple[str, float]] = ("adamw", 0.4)  # where a task has no lr for it

    lr: float | None = None  # None: the task's tuned lr, or 0.4 of AdamW's
    betas: tuple[float, ...] = (0.9, 0.9999)  # memory of the scaled gradient and of the square
    eps: float = 1e-6  # the smallest scale
    decay: float = 0.01

    def __post_init__(self) -> None:
        check(self)

    def edits(self) -> Edits:
        return Edits(sets={"optimizer": self})

    def build(self, parameters: list[Any]) -> torch.optim.Optimizer:
        """An optimizer over `parameters` (tensors or groups); the loop sets lr at each step."""
        from timm.optim import Adopt

        first, second = self.betas
        return Adopt(
            parameters, lr=self.lr or 0.0, betas=(first, second), eps=self.eps, clip_exp=0.25,
            weight_decay=self.decay, decoupled=True, foreach=True,
        )  # fmt: skip

"""NAdamW: AdamW with Nesterov's momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class NAdamW(Trick):
    """Step as AdamW does, but with Nesterov's momentum, which looks one step ahead.

    Betas are constant, unlike nadam's rising momentum: the update is betas[0] times the new
    momentum plus the remaining share of the gradient. It set the targets of AlgoPerf, where it was
    as good as or better than AdamW on most workloads. Decay is decoupled from the gradient.
    """

    name: ClassVar[str] = "nadamw"
    source: ClassVar[str] = (
        "Dahl et al. 2023 (AlgoPerf), arXiv:2306.07179; Choi et al. 2019, arXiv:1910.05446; "
        "timm.optim.NAdamW"
    )
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
        from timm.optim import NAdamW as TimmNAdamW

        first, second = self.betas
        return TimmNAdamW(
            parameters, lr=self.lr or 0.0, betas=(first, second), eps=self.eps,
            weight_decay=self.decay, foreach=True,
        )  # fmt: skip

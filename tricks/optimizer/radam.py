"""RAdam: Adam that waits until its scale is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RAdam(Trick):
    """Step as Adam does, but only once the size of gradients is known well enough.

    The first steps (five with the usual betas: up to a length of 5 of the average of squares, as in
    the authors' code, where the paper has 4) are plain momentum, then a growing factor
    rectifies the step: a warmup over about 1,000 steps, so that another one adds little and a
    training shorter than that never has the full rate. At AdamW's large rates those first plain
    steps can be too long. Decay is apart from the gradient, as in AdamW.
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
        # foreach, which torch leaves off on a CPU, is faster for many small layers.
        return torch.optim.RAdam(
            parameters, lr=self.lr or 0.0, betas=(first, second), eps=self.eps,
            weight_decay=self.decay, decoupled_weight_decay=True, foreach=True,
        )  # fmt: skip

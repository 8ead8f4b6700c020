"""Schedule-free SGD: an average of the weights instead of a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.optimizer.schedule_free import NEEDS, optimizer_class
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ScheduleFreeSGD(Trick):
    """Step at a constant rate, and take gradients close to the average of all weights so far.

    The average is evaluated, and training may end at any step. It sets the schedule to none, so
    another schedule is a conflict; warmup works. Gradients are taken at
    y = (1 - momentum) z + momentum x, where z are the weights and x is their average. Norm
    statistics are recomputed for x before each evaluation, with a forward pass over the epoch's
    images (10,000 at most). The authors' code recommends 10 to 50 times the rate of SGD with
    momentum. On digits (validation, 6 epochs, two seeds) 3 times gave 86 %, 10 times 90 %, 30 times
    44 %. It won the self-tuning track of AlgoPerf 2024 (as AdamW).
    """

    name: ClassVar[str] = "schedule-free-sgd"
    source: ClassVar[str] = "Defazio et al. 2024 (The Road Less Scheduled), arXiv:2405.15682"
    factor: ClassVar[str | None] = "optimizer"
    lr_like: ClassVar[tuple[str, float]] = ("sgd", 10.0)  # where a task has no lr for it

    lr: float | None = None  # None: the task's tuned lr, or 10 times that of sgd
    momentum: float = 0.9  # share of the average where gradients are taken
    decay: float = 5e-4  # added to the gradient, at y

    def __post_init__(self) -> None:
        check(self)
        if self.momentum == 0:
            raise ValueError("momentum must be above 0")

    def edits(self) -> Edits:
        return Edits(sets={"optimizer": self, "schedule": None}, needs=NEEDS)

    def build(self, parameters: list[Any]) -> torch.optim.Optimizer:
        """An optimizer over `parameters` (tensors or groups); the loop sets lr at each step."""
        settings = {"lr": self.lr or 0.0, "momentum": self.momentum, "weight_decay": self.decay}
        built: torch.optim.Optimizer = optimizer_class()(parameters, settings)
        return built

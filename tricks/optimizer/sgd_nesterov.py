"""SGD with Nesterov's momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.optimizer.checks import check
from tricks.optimizer.sgd import SGD
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class SGDNesterov(Trick):
    """Follow the gradient with momentum, taken where the momentum leads.

    For a baseline whose SGD has plain momentum: where it has Nesterov's already (sgd's default
    here), this trick changes nothing and says so. A run of it is a run of sgd(nesterov=True).
    """

    name: ClassVar[str] = "sgd-nesterov"
    source: ClassVar[str] = "Sutskever et al. 2013, ICML; torch.optim.SGD"
    factor: ClassVar[str | None] = "optimizer"

    lr: float | None = None  # None: the task's tuned lr of sgd
    momentum: float = 0.9
    decay: float = 5e-4

    def __post_init__(self) -> None:
        check(self)
        if self.momentum == 0:
            raise ValueError("momentum must be above 0")

    def edits(self) -> Edits:
        sgd = SGD(lr=self.lr, momentum=self.momentum, nesterov=True, decay=self.decay)
        return Edits(sets={"optimizer": sgd})

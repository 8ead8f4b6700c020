"""SGD with Nesterov's momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.optimizer.checks import check
from tricks.optimizer.sgd import SGD
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class SGDNesterov(Trick):
    """Follow the gradient with Nesterov's momentum, which looks one step ahead.

    It is for a baseline whose SGD has plain momentum. If the baseline already has Nesterov's
    momentum (sgd's default here), the trick is refused, because it would change nothing. A run of
    it is a run of sgd(nesterov=True).
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

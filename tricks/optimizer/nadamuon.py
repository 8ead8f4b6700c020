"""NAdaMuon: AdaMuon with Nesterov's momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.optimizer.adamuon import AdaMuon
from tricks.optimizer.checks import check
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class NAdaMuon(Trick):
    """Step as AdaMuon does, but with Nesterov's momentum, which looks one step ahead.

    It is the same as adamuon(nesterov=True), so that both can be levels of one factor. See adamuon.
    """

    name: ClassVar[str] = "nadamuon"
    source: ClassVar[str] = "timm.optim's nadamuon; Si et al. 2025, arXiv:2507.11005"
    factor: ClassVar[str | None] = "optimizer"

    lr: float | None = None  # None: the task's tuned lr of adamuon, or AdamW's
    momentum: float = 0.95  # of the matrices
    decay: float = 0.01

    def __post_init__(self) -> None:
        check(self)

    def edits(self) -> Edits:
        # The value is an AdaMuon, so that the same training has the same id under both names.
        value = AdaMuon(lr=self.lr, momentum=self.momentum, nesterov=True, decay=self.decay)
        return Edits(sets={"optimizer": value})

"""AdaMuon: Muon's orthogonal steps, each entry scaled by its history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.optimizer.muon import off_the_head, split_matrices
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class AdaMuon(Trick):
    """Scale each entry of Muon's orthogonal step by the history of that entry.

    The orthogonal matrix is divided by the root mean square of its history (the second beta). Then
    it is scaled to the size of an AdamW step (0.2 times the root of its number of entries), so
    AdamW's learning rate and decay fit. Vectors, depthwise filters and the head take AdamW steps,
    as in muon. With `nesterov` it is nadamuon. timm orthogonalises the momentum; the paper takes
    its sign first. Each step costs more than AdamW's.
    """

    name: ClassVar[str] = "adamuon"
    source: ClassVar[str] = "Si et al. 2025, arXiv:2507.11005; timm.optim.Muon"
    factor: ClassVar[str | None] = "optimizer"
    lr_like: ClassVar[tuple[str, float]] = ("adamw", 1.0)  # where a task has no lr for it

    lr: float | None = None  # None: the task's tuned lr, or AdamW's
    momentum: float = 0.95  # of the matrices
    nesterov: bool = False  # of the matrices
    betas: tuple[float, ...] = (0.9, 0.95)  # AdamW's for the rest; matrices use the second, too
    eps: float = 1e-8
    decay: float = 0.01

    def __post_init__(self) -> None:
        check(self)

    def edits(self) -> Edits:
        return Edits(sets={"optimizer": self})

    def arrange(self, parameters: list[Any], model: torch.nn.Module) -> list[dict[str, Any]]:
        """`parameters` (tensors or groups) as groups that keep the head of `model` from Muon."""
        return off_the_head(parameters, model)

    def build(self, parameters: list[Any]) -> torch.optim.Optimizer:
        """An optimizer over `parameters` (tensors or groups); the loop sets lr at each step."""
        from timm.optim import Muon as TimmMuon

        first, second = self.betas
        return TimmMuon(
            split_matrices(parameters), lr=self.lr or 0.0, weight_decay=self.decay,
            momentum=self.momentum, nesterov=self.nesterov, betas=(first, second), eps=self.eps,
            ns_coefficients="original", adjust_lr_fn="match_rms_adamw", algo="adamuon",
        )  # fmt: skip

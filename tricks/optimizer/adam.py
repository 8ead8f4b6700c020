"""Adam: adaptive steps, with weight decay added to the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.checks import check
from tricks.published import Published, carrier_of_tricks
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Adam(Trick):
    """Scale each weight's step by the history of its gradient.

    The paper has no decay. Here decay is added to the gradient, where it hardly acts on weights
    with large gradients; AdamW corrects this. If a task has no lr for adam, AdamW's lr is used.
    """

    name: ClassVar[str] = "adam"
    source: ClassVar[str] = "Kingma and Ba 2015, arXiv:1412.6980; torch.optim.Adam"
    factor: ClassVar[str | None] = "optimizer"
    lr_like: ClassVar[tuple[str, float]] = ("adamw", 1.0)  # where a task has no lr for it
    published: ClassVar[tuple[Published, ...]] = (
        carrier_of_tricks(5.06, "at the baseline, pretrained"),
    )

    lr: float | None = None  # None: the task's tuned lr, or AdamW's
    betas: tuple[float, ...] = (0.9, 0.999)  # memory of the gradient and of its square
    eps: float = 1e-8
    decay: float = 0.0  # L2, added to the gradient

    def __post_init__(self) -> None:
        check(self)

    def edits(self) -> Edits:
        return Edits(sets={"optimizer": self})

    def build(self, parameters: list[Any]) -> torch.optim.Optimizer:
        """An optimizer over `parameters` (tensors or groups); the loop sets lr at each step."""
        import torch

        first, second = self.betas
        return torch.optim.Adam(
            parameters, lr=self.lr or 0.0, betas=(first, second),
            eps=self.eps, weight_decay=self.decay, fused=True,
        )  # fmt: skip

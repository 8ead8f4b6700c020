"""Head first: the head is trained alone for a while, then everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.optimizer.groups import divide
from tricks.start.frozen_backbone import head_parameters, set_backbone
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class HeadFirst(Trick):
    """Train the head alone for a share of training, then the whole network.

    A fresh head sends large, meaningless gradients into pretrained weights and distorts them;
    once it fits the features, fine-tuning changes less. It helps most where the data differ from
    those of pretraining. While the backbone stands still its norms do too.
    """

    name: ClassVar[str] = "head-first"
    source: ClassVar[str] = "Kumar et al. 2022, arXiv:2202.10054"

    share: float = 0.2  # of training, in which the backbone stands still

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share must lie between 0 and 1, not {self.share}")

    def edits(self) -> Edits:
        return Edits(sets={"freeze": self})

    def hold(self, model: torch.nn.Module, progress: float) -> None:
        """Before a step at `progress`: let the backbone of `model` stand still, or set it free."""
        if progress < self.share:
            set_backbone(model, frozen=True)
        elif any(not p.requires_grad for p in model.parameters()):
            set_backbone(model, frozen=False)

    def arrange(self, parameters: list[Any], model: torch.nn.Module) -> list[dict[str, Any]]:
        """`parameters` (tensors or groups) as groups that keep the head of `model` apart.

        torch's fused SGD cannot take parameters that join a group later than others.
        """
        top = head_parameters(model)
        heads, backbone = divide(parameters, lambda p: id(p) in top)
        return [*backbone, *heads]

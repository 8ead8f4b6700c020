"""Head first: the head is trained alone at first, then the whole network."""

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

    A fresh head sends large, meaningless gradients into pretrained weights and distorts them. Once
    the head fits the features, fine-tuning changes less. It helps most where the data differ from
    the data of pretraining. While the backbone is frozen, its norms are frozen, too.
    """

    name: ClassVar[str] = "head-first"
    source: ClassVar[str] = "Kumar et al. 2022, arXiv:2202.10054"

    share: float = 0.2  # share of training in which the backbone is frozen

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share must lie between 0 and 1, not {self.share}")

    def edits(self) -> Edits:
        return Edits(sets={"freeze": self})

    def hold(self, model: torch.nn.Module, progress: float) -> None:
        """Before a step at `progress`: freeze or unfreeze the backbone of `model`."""
        if progress < self.share:
            set_backbone(model, frozen=True)
        elif any(not p.requires_grad for p in model.parameters()):
            set_backbone(model, frozen=False)

    def arrange(self, parameters: list[Any], model: torch.nn.Module) -> list[dict[str, Any]]:
        """`parameters` (tensors or groups) as groups, with the head of `model` in separate groups.

        In torch's fused SGD all parameters of a group must get their first gradient together.
        """
        top = head_parameters(model)
        heads, backbone = divide(parameters, lambda p: id(p) in top)
        return [*backbone, *heads]

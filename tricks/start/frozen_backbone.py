"""Frozen backbone: only the head is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tricks.errors import BadInput
from tricks.recipe import Recipe
from tricks.trick import Edits, Trick

if TYPE_CHECKING:
    import torch


def classifiers(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The classifiers of `model`, one for each head; heads without weights are left out.

    Empty if the model has no classifier, or does not name it.
    """
    ask: Any = getattr(model, "get_classifier", None)
    found = ask() if ask is not None else ()
    tops = found if isinstance(found, (tuple, list)) else [found]
    return [top for top in tops if top is not None and any(True for _ in top.parameters())]


def head(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The modules of the classifier; more than one if the model has several heads.

    Raises BadInput if the model has no classifier, or does not name it.
    """
    modules = [module for top in classifiers(model) for module in top.modules()]
    if not modules:
        raise BadInput(f"{type(model).__name__} has no classifier that could be trained alone")
    return modules


def head_parameters(model: torch.nn.Module) -> set[int]:
    """The id of each parameter of the classifier."""
    return {id(p) for module in head(model) for p in module.parameters(recurse=False)}


def trains_backbone(recipe: Recipe) -> bool:
    """Whether the backbone is in training mode at any step."""
    return not isinstance(recipe.freeze, FrozenBackbone)


TRAINS_BACKBONE = (trains_backbone, "its layers are frozen by frozen-backbone")  # see Edits.acts


def set_backbone(model: torch.nn.Module, frozen: bool) -> None:
    """Freeze everything except the head, or unfreeze it.

    Frozen parts have no gradient and are in evaluation mode: norms use their running statistics and
    do not change them, and dropout is off.
    """
    top = {id(module) for module in head(model)}
    for module in model.modules():
        if id(module) not in top:
            module.training = not frozen
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(not frozen)


@dataclass(frozen=True)
class FrozenBackbone(Trick):
    """Train the head alone, on features that are frozen for the whole training.

    It is cheap (no backward pass through the backbone) and hard to overfit. It suits small sets of
    images that look like the images of pretraining. The backbone is in evaluation mode: its norms
    and dropout do not train. On a fresh network the head trains on random features.
    """

    name: ClassVar[str] = "frozen-backbone"
    source: ClassVar[str] = "Donahue et al. 2014, arXiv:1310.1531"

    def edits(self) -> Edits:
        return Edits(sets={"freeze": self})

    def hold(self, model: torch.nn.Module, progress: float) -> None:
        """Before a step: freeze everything except the head of `model`."""
        set_backbone(model, frozen=True)

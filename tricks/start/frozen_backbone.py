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
    """The classifier of `model`, each where it has several heads; those without weights left out.

    Empty if the model has none, or does not tell.
    """
    ask: Any = getattr(model, "get_classifier", None)
    found = ask() if ask is not None else ()
    tops = found if isinstance(found, (tuple, list)) else [found]
    return [top for top in tops if top is not None and any(True for _ in top.parameters())]


def head(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The modules of the classifier; more than one where a model has several heads.

    Raises BadInput if the model has none, or does not tell.
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


TRAINS_BACKBONE = (trains_backbone, "frozen-backbone lets its place stand still")  # see Edits.acts


def set_backbone(model: torch.nn.Module, frozen: bool) -> None:
    """Let all but the head stand still, or move again.

    What stands still has no gradient, and is in evaluation mode: norms use their running
    statistics and do not change them, dropout is off.
    """
    top = {id(module) for module in head(model)}
    for module in model.modules():
        if id(module) not in top:
            module.training = not frozen
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(not frozen)


@dataclass(frozen=True)
class FrozenBackbone(Trick):
    """Train the head alone, on features that stand still for the whole training.

    Cheap (no backward pass through the backbone) and hard to overfit: for few images that look
    like those of pretraining. The features are the evaluation-mode ones: norms and dropout of the
    backbone do not train. On a fresh network it trains on random features.
    """

    name: ClassVar[str] = "frozen-backbone"
    source: ClassVar[str] = "Donahue et al. 2014, arXiv:1310.1531"

    def edits(self) -> Edits:
        return Edits(sets={"freeze": self})

    def hold(self, model: torch.nn.Module, progress: float) -> None:
        """Before a step: let everything but the head of `model` stand still."""
        set_backbone(model, frozen=True)

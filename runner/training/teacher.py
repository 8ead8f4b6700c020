"""The teacher network of a distillation: from a saved run, or from timm."""

from __future__ import annotations

import timm
import torch
from torch import Tensor, nn

from runner.images.sources import Splits
from runner.images.user_path import user_path
from runner.training.evaluation import statistics
from runner.training.model import build
from runner.training.model_names import unknown_model
from runner.training.saved import class_names, load
from tricks.errors import BadInput
from tricks.recipe import Recipe

Statistics = tuple[tuple[float, ...], tuple[float, ...]]


class Renormalised(nn.Module):
    """A network that gets images with another normalisation than in its training."""

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, given: Statistics, own: Statistics) -> None:
        """given, own: mean and deviation of each channel, of pixels in [0, 1]."""
        super().__init__()
        self.network = network
        (mean, std), (own_mean, own_std) = (torch.tensor(values) for values in (given, own))
        self.register_buffer("scale", (std / own_std).view(1, -1, 1, 1))
        self.register_buffer("shift", ((mean - own_mean) / own_std).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) -> logits (B, K)."""
        logits: Tensor = self.network(x * self.scale + self.shift)
        return logits


def teacher(name: str, splits: Splits, recipe: Recipe, device: torch.device) -> nn.Module:
    """The frozen network in the file `name`, or timm's pretrained model `name`.

    It accepts the images of a training of `recipe` on `splits`. Raises BadInput for other classes
    or channels than in `splits`, and for unavailable weights.
    """
    if name.endswith(".safetensors"):
        network, card = load(user_path(name))
        names, own = class_names(splits), statistics(card, card.recipe)
        _same_number(name, card.classes, splits.classes)
        if card.names != names:
            odd = next((a, b) for a, b in zip(card.names, names, strict=True) if a != b)
            raise BadInput(
                f"the teacher {name} has a class {odd[0]!r}, but this task has "
                f"{odd[1]!r} there: use a teacher with the same classes"
            )
        if card.channels != splits.channels:
            raise BadInput(
                f"the teacher {name} needs images of {card.channels} channels, but these have "
                f"{splits.channels}"
            )
        if lacking := [str(item) for item in card.recipe.inputs if item not in recipe.inputs]:
            raise BadInput(
                f"the teacher {name} was trained on images after {', '.join(lacking)}, and would "
                f"see other images here: add {', '.join(lacking)}, or use another teacher"
            )
    else:
        network, own = _of_timm(name, splits)
    given = statistics(splits, recipe)
    if own != given:
        network = Renormalised(network, given, own)
    return network.to(device).eval().requires_grad_(False)


def _of_timm(name: str, splits: Splits) -> tuple[nn.Module, Statistics]:
    known = timm.get_pretrained_cfg(name) if timm.is_model(name) else None
    if known is None:
        raise unknown_model(name, kind="teacher (a timm model, or FILE.safetensors)")
    _same_number(name, known.num_classes, splits.classes)
    recipe = Recipe(model=name, start="pretrained")
    with torch.random.fork_rng(devices=[]):
        network = build(recipe, splits.classes, splits.channels)
    mean, std = (tuple(v) if splits.channels == len(v) else v[:1] for v in (known.mean, known.std))
    return network, (mean, std)


def _same_number(name: str, classes: int, wanted: int) -> None:
    if classes != wanted:
        raise BadInput(
            f"the teacher {name} has {classes} classes, but this task has {wanted}: "
            "use a teacher with the same classes"
        )

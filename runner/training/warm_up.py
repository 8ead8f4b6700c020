"""A step and an evaluation before timed ones: they choose kernels and allocate memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from runner.training.evaluation import BATCH
from runner.training.loaders import Loaders
from runner.training.loop import train

if TYPE_CHECKING:
    from runner.images.sources import Splits
    from tricks.recipe import Recipe


def warm_up(
    recipe: Recipe, splits: Splits, seed: int, device: torch.device, loaders: int = 0
) -> None:
    """Train `recipe` for one step and discard the result: a later training gives the same bits.

    cuDNN tries its algorithms at the first use of a shape, which takes as long as many steps.
    Compilation is left to the training itself, as a part of its cost.
    """
    if recipe.compiled is not None:
        return
    few = splits.train.subset(range(min(recipe.batch_size, len(splits.train))))
    some = splits.validation.subset(range(min(BATCH, len(splits.validation))))
    tiny = splits.probe.subset(range(min(8, len(splits.probe))))
    short = replace(splits, train=few, validation=some, probe=tiny)
    with Loaders(loaders, short) as held:
        train(replace(recipe, epochs=1), short, seed, device, held)

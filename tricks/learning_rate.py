"""The learning rate of every step: optimizer's lr × batch scaling × warmup × schedule."""

from __future__ import annotations

from typing import Any

from tricks.recipe import Recipe


def warmup_steps(recipe: Recipe, total: int) -> int:
    """The number of warmup steps in a training of `total` steps; 0 without warmup."""
    warmup: Any = recipe.warmup
    return warmup.steps(total, recipe.epochs) if warmup is not None else 0


def curve(recipe: Recipe, total: int) -> list[float]:
    """The lr of each of `total` steps; progress is taken at the middle of a step.

    The recipe's batch size is the number of images in a step: all images, if the set is smaller.
    """
    optimizer: Any = recipe.optimizer
    schedule: Any = recipe.schedule
    warmup: Any = recipe.warmup
    ramp = warmup_steps(recipe, total)
    scale = recipe.batch_size / recipe.lr_batch if recipe.lr_batch else 1.0
    lrs = []
    for step in range(total):
        lr = optimizer.lr * scale
        if schedule is not None:
            lr *= schedule.scale((step + 0.5) / total)
        if step < ramp:
            lr *= warmup.ramp(step, ramp)
        lrs.append(lr)
    return lrs


def momenta(recipe: Recipe, total: int) -> list[float] | None:
    """The momentum of each of `total` steps if the schedule changes it, else None."""
    schedule: Any = recipe.schedule
    momentum = getattr(schedule, "momentum", None)
    if momentum is None:
        return None
    return [momentum((step + 0.5) / total) for step in range(total)]

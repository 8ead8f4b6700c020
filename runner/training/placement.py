"""Where batches for a GPU are augmented: by loader processes or by the GPU, tried at the start.

The random numbers are the same in both places. The faster place depends on the transforms, the
cores and the GPU, so the first epochs try the place that the waiting times suggest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tricks.recipe import Recipe

BUSY = 0.05  # loaders have no time left if this share of an epoch waits for batches


class Lap(NamedTuple):
    """An epoch. early: whether loaders augmented. seconds: of its steps. waited: for batches."""

    early: bool
    steps: int
    seconds: float
    waited: float


def on_cpu(recipe: Recipe) -> bool:
    """Whether a transform always works or draws on the CPU, so that a GPU waits."""
    transforms: Sequence[Any] = recipe.transforms
    return any(getattr(item, "on_cpu", False) for item in transforms)


def early(laps: Sequence[Lap], recipe: Recipe) -> bool:
    """Whether loaders augment the next epoch of a training on a GPU, after `laps`.

    The first epoch is not counted, since kernels are chosen in it. The second shows whether loaders
    have time. If so, they augment the third, else the GPU does. The faster place is kept.
    """
    first = on_cpu(recipe)
    if not recipe.transforms and not recipe.flip:
        return first
    counted = laps[1:]
    if not counted:
        return first
    tried = {lap.early: lap for lap in counted[:2]}
    if len(tried) == 1:
        busy = counted[0].waited >= BUSY * counted[0].seconds
        return not busy if len(counted) == 1 else first
    return min(tried.values(), key=lambda lap: lap.seconds / lap.steps).early

"""The size of a quick study: images, epochs and seeds that fit the hours. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tricks.errors import BadInput

SEEDS = range(3, 11)
SHARE = 0.85  # the share of the hours for runs; the rest is for reports, images, other programs
LEAST_STEPS = 60  # of a run; with fewer steps no network learns
GOOD_STEPS = 300  # of a run; from here on the hours go into seeds, up to max(SEEDS)
LEAST_EPOCHS = 5


@dataclass(frozen=True)
class Full:
    """The limits of a run's size: at most the recipe's epochs on all training images.

    epochs, images: the maximum. least_epochs, least_images: the minimum, equal to the maximum if
    the user has set it. batch: images of a step. step: seconds of a step, mean over the arms.
    fixed: seconds of a run outside its steps.
    """

    epochs: int
    images: int
    batch: int
    step: float
    fixed: float
    least_epochs: int
    least_images: int

    def steps(self, images: int) -> int:
        """Steps of an epoch of `images` images, without a smaller last batch."""
        return max(1, images // min(self.batch, images))

    def seconds(self, images: int, epochs: int) -> float:
        """Seconds of a run."""
        return epochs * self.steps(images) * self.step + self.fixed


@dataclass(frozen=True)
class Size:
    """The size of a quick study. wall: its hours."""

    images: int
    epochs: int
    seeds: int
    wall: float


def size(
    full: Full,
    runs: Callable[[int], int],
    arms: int,
    hours: float,
    workers: int,
    seeds: int | None = None,
) -> Size:
    """The largest study that fits `hours`.

    runs: number of seeds -> runs of the whole study. seeds: given by the user, or None. The size
    grows in this order: at least 3 seeds; more seeds once a run has 300 steps, or as many as the
    recipe; then images, up to all; then epochs, up to the recipe's. Raises BadInput if not even 60
    steps fit, with the hours or the number of arms that would be enough.
    """
    budget = SHARE * hours * 3600

    def steps(count: int) -> int:
        rounds = math.ceil(runs(count) / workers)
        return int((budget / rounds - full.fixed) / full.step)

    whole = full.epochs * full.steps(full.images)
    asked = SEEDS if seeds is None else [seeds]
    least = min(LEAST_STEPS, whole)
    enough = [count for count in asked[1:] if steps(count) >= min(GOOD_STEPS, whole)]
    for count in (*reversed(enough), asked[0]):
        found = _shared(full, min(steps(count), whole))
        taken = math.ceil(runs(count) / workers) * full.seconds(*found)
        if taken <= budget * (1 + 1e-9) and found[1] * full.steps(found[0]) >= _reached(
            full, least
        ):
            return Size(*found, count, taken / 3600)
    raise BadInput(_too_short(full, runs(asked[0]), arms, asked[0], budget, workers, least))


def _shared(full: Full, steps: int) -> tuple[int, int]:
    """Images and epochs for `steps` steps: first a few epochs of many images, then more epochs."""
    few = min(LEAST_EPOCHS, full.epochs) if full.least_epochs < full.epochs else full.least_epochs
    images = min(full.images, max(full.least_images, steps // few * full.batch))
    epochs = min(full.epochs, max(full.least_epochs, steps // full.steps(images)))
    return images, epochs


def _reached(full: Full, steps: int) -> int:
    """The number of steps, at most `steps`, in whole epochs."""
    images, epochs = _shared(full, steps)
    return min(steps, epochs * full.steps(images))


def _too_short(
    full: Full, runs: int, arms: int, seeds: int, budget: float, workers: int, least: int
) -> str:
    run = full.seconds(*_shared(full, least))
    needed = math.ceil(runs / workers) * run / SHARE / 3600
    asked = f"{math.ceil(100 * needed + 1e-4) / 100:.2f}"  # rounded up
    fit = int(budget / run) * workers // seeds
    text = (
        f"--quick: {arms} arms with {seeds} seeds take {asked} hours at "
        f"least (a run {run:,.0f} s): --hours {asked}"
    )
    return f"{text}, or --tricks with {fit - 1} tricks" if 2 <= fit < arms else text

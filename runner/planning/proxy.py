"""The size of a quick study: images, epochs and seeds that fit the hours. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tricks.errors import BadInput

SEEDS = range(3, 11)
SHARE = 0.85  # of the hours that is planned with: the rest is reports, images, other programs
LEAST_STEPS = 60  # of a run; of fewer no network learns
GOOD_STEPS = 300  # from which on the hours go into seeds, up to the most of SEEDS
LEAST_EPOCHS = 5


@dataclass(frozen=True)
class Full:
    """What a run could be: the recipe's epochs on all training images.

    epochs, images: at most. least_epochs, least_images: at least, the same where the user has set
    them. batch: images of a step. step: seconds of one, mean over the arms. fixed: seconds of a run
    beside its steps.
    """

    epochs: int
    images: int
    batch: int
    step: float
    fixed: float
    least_epochs: int
    least_images: int

    def steps(self, images: int) -> int:
        """Of an epoch of so many images; the last, smaller batch is left out."""
        return max(1, images // min(self.batch, images))

    def seconds(self, images: int, epochs: int) -> float:
        """Of a run."""
        return epochs * self.steps(images) * self.step + self.fixed


@dataclass(frozen=True)
class Size:
    """What a quick study trains. wall: hours that it takes."""

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

    runs: of the whole study by its number of seeds. seeds: where the user has said how many. At
    least 3 seeds; more of them once a run has 300 steps, or all that the recipe asks for; then
    images up to all, then epochs up to the recipe's. Raises BadInput where not even 60 steps fit,
    saying how many arms or hours would do.
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
    """Images and epochs of so many steps: a few epochs of as many images, then more epochs."""
    few = min(LEAST_EPOCHS, full.epochs) if full.least_epochs < full.epochs else full.least_epochs
    images = min(full.images, max(full.least_images, steps // few * full.batch))
    epochs = min(full.epochs, max(full.least_epochs, steps // full.steps(images)))
    return images, epochs


def _reached(full: Full, steps: int) -> int:
    """What is left of `steps` in whole epochs."""
    images, epochs = _shared(full, steps)
    return min(steps, epochs * full.steps(images))


def _too_short(
    full: Full, runs: int, arms: int, seeds: int, budget: float, workers: int, least: int
) -> str:
    run = full.seconds(*_shared(full, least))
    needed = math.ceil(runs / workers) * run / SHARE / 3600
    asked = f"{math.ceil(100 * needed + 1e-4) / 100:.2f}"  # of which the hours suffice
    fit = int(budget / run) * workers // seeds
    text = (
        f"--quick: {arms} arms with {seeds} seeds take {asked} hours at "
        f"least (a run {run:,.0f} s): --hours {asked}"
    )
    return f"{text}, or --tricks with {fit - 1} tricks" if 2 <= fit < arms else text

"""The input of a training's network: the batches of every epoch, augmented, mixed, smoothed."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from runner.images.sources import Splits
from runner.training import augmentation as aug
from runner.training import placement
from runner.training.batches import batches, helpers
from runner.training.crops import View
from runner.training.evaluation import as_input
from runner.training.loaders import ALONE, Loaders
from runner.training.placement import Lap
from runner.training.randomness import generator
from runner.training.reading import Batch
from tricks.errors import BadInput
from tricks.recipe import Recipe
from tricks.trick import check_held


@dataclass(frozen=True)
class Feed:
    """The batches of a training of `recipe` on the images of `splits`, drawn from `seed`."""

    recipe: Recipe
    splits: Splits
    seed: int
    device: torch.device
    loaders: Loaders = ALONE

    @property
    def batch(self) -> int:
        """Images per step: the recipe's batch size, or the size of a smaller training set."""
        return min(self.recipe.batch_size, len(self.splits.train))

    def real(self) -> Recipe:
        """The recipe with the actual batch size. Raises BadInput if they do not fit together."""
        real = dataclasses.replace(self.recipe, batch_size=self.batch)
        if real.parts > self.batch:
            raise BadInput(
                f"{real.parts} passes per batch need at least as many images, but it has "
                f"{self.batch}: use more images"
            )
        if real != self.recipe:
            check_held(real)
        return real

    @property
    def per_epoch(self) -> int:
        """Steps per epoch."""
        return len(self.splits.train) // self.batch

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.recipe.epochs * self.per_epoch

    def epoch(self, number: int, laps: Sequence[Lap] = ()) -> Epoch:
        """The epoch `number`, from 0. laps: of earlier epochs, see `placement`."""
        recipe, count = self.recipe, len(self.splits.train)
        draws = generator(self.seed, "order", number)
        shuffled = torch.randperm(count, generator=draws).repeat_interleave(recipe.repeats)
        order = shuffled[: self.per_epoch * self.batch].view(self.per_epoch, self.batch)
        loaded = helpers(self.splits.train, self.device, self.loaders) > 0
        # On a CPU loaders and training share the cores, and loaders work while they would wait.
        early = loaded and (self.device.type == "cpu" or placement.early(laps, recipe))
        return Epoch(self, number, order.tolist(), early)


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images. order: the places of the images of each step.

    early: whether loader processes augment.
    """

    feed: Feed
    number: int
    order: list[list[int]]
    early: bool = False

    def decoded(self, first: int = 0, end: int | None = None) -> Iterator[Batch]:
        """Images uint8 and labels of the steps from `first` up to `end`, for `inputs`."""
        feed, recipe = self.feed, self.feed.recipe
        view = View(
            recipe.resolution, recipe.crop, feed.seed, recipe.crop_scale, recipe.repeats,
            recipe.margin, aug.whole(recipe),
        )  # fmt: skip
        early = self._augment() if self.early else None
        order = self.order[:end]
        yield from batches(
            feed.splits.train, order, view, feed.device, self.number, feed.loaders, first, early
        )

    def inputs(self, images: Tensor, labels: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """The network's input at `step`: images (B, C, H, W) float and targets (B, K).

        With an objective of several views, each target has several images, see `views`.
        """
        feed, recipe = self.feed, self.feed.recipe
        if not self.early:
            images = self._augment()(images, step=step, index=self.order[step])
        images = aug.views(images, recipe, feed.seed, self.number, step)
        soft = aug.targets(labels, feed.splits.classes, recipe.smoothing)
        x = as_input(images, feed.splits, recipe)
        x = aug.resize(x, recipe, (self.number * feed.per_epoch + step) / feed.steps)
        return aug.mix(x, soft, recipe, feed.seed, self.number, step)

    def _augment(self) -> functools.partial[Tensor]:
        feed = self.feed
        return functools.partial(aug.augment, recipe=feed.recipe, seed=feed.seed, epoch=self.number)

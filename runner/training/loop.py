"""The training loop, whole on one screen."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn

from runner.analysis.metrics.registry import CHOOSES
from runner.execution.work import Figures
from runner.images.sources import Splits
from runner.training import augmentation as aug
from runner.training import memory
from runner.training.batches import View, batches, by_loaders
from runner.training.course import Training, clocks
from runner.training.evaluation import as_input, evaluate
from runner.training.model import build
from runner.training.randomness import derive, generator, in_stream
from runner.training.step import Step
from runner.training.teacher import teacher
from tricks.recipe import Recipe

if TYPE_CHECKING:
    from runner.training.checkpoint import Checkpoints

EXPLODED = 100  # an epoch's loss above this many times that of guessing counts as diverged


def train(
    recipe: Recipe,
    splits: Splits,
    seed: int,
    device: torch.device,
    loaders: int = 0,
    watch: Callable[[nn.Module, Figures], None] | None = None,
    saves: Checkpoints | None = None,
) -> Training:
    """Train `recipe` (resolved) on `splits`.

    `watch` gets the evaluated model after each epoch, which it leaves as it is, and the epoch's
    figures. With `saves` it goes on from a checkpoint, and writes new ones; raises Paused if it
    left at one.
    """
    seed = in_stream(seed, recipe.stream)
    torch.manual_seed(derive(seed, "init"))
    model = build(recipe, splits.classes, splits.channels).to(device)
    batch = min(recipe.batch_size, len(splits.train))
    per_epoch = len(splits.train) // batch
    known = functools.partial(teacher, splits=splits, recipe=recipe, device=device)
    take_step = Step(recipe, model, recipe.epochs * per_epoch, device, known)
    training = Training(take_step.evaluated, steps=take_step.steps)
    training.memory["model"] = memory.now(device)
    view = View(
        recipe.resolution, recipe.crop, seed, recipe.crop_scale, recipe.repeats, recipe.margin,
        aug.whole(recipe),
    )  # fmt: skip
    place = 0 if saves is None else saves.resume(take_step, training)  # steps taken
    for epoch in range(place // per_epoch, recipe.epochs):
        began = clocks()
        model.train()
        aug.seed_forward(seed, epoch)
        shuffled = torch.randperm(len(splits.train), generator=generator(seed, "order", epoch))
        shuffled = shuffled.repeat_interleave(recipe.repeats)[: per_epoch * batch]
        order = shuffled.view(per_epoch, batch).tolist()
        losses, first = torch.zeros((), device=device), place % per_epoch
        if saves is not None and first:
            losses = saves.epoch_so_far()
        augment = functools.partial(aug.augment, recipe=recipe, seed=seed, epoch=epoch)
        early = augment if by_loaders(splits.train, device, loaders) else None
        source = batches(splits.train, order, view, device, epoch, loaders, first, early)
        for step in range(first, per_epoch):
            asked = time.perf_counter()
            images, labels = next(source)
            training.seconds["wait"] += time.perf_counter() - asked
            if early is None:
                images = augment(images, step=step, index=order[step])
            soft = aug.targets(labels, splits.classes, recipe.smoothing)
            inputs = as_input(images, splits, recipe)
            inputs = aug.resize(inputs, recipe, place / take_step.steps)
            losses += take_step(*aug.mix(inputs, soft, recipe, seed, epoch, step), place)
            place += 1
            if place == 1:
                training.memory["first_step"] = memory.now(device)
            within = step + 1 < per_epoch
            if saves is not None and within and saves.due(place, take_step.steps, began[0]):
                losses.item()  # waits for the device
                training.spent(began)
                saves.write(take_step, training, place, losses)
                began = clocks()
        next(source, None)  # lets the loader processes end
        loss = losses.item() / per_epoch  # waits for the device
        norms = take_step.gradient_norms()
        training.spent(began)
        training.images += per_epoch * batch
        training.diverged = not loss < EXPLODED * math.log(splits.classes)
        if training.diverged:
            lr = take_step.lrs[place - 1]
            training.epochs.append({"epoch": epoch + 1, "loss": finite(loss), "lr": lr})
            return training
        asked = time.perf_counter()
        last = epoch + 1 == recipe.epochs
        held = evaluate(training.model, splits.validation, splits, recipe, device, loaders, last)
        probe = evaluate(training.model, splits.probe, splits, recipe, device, loaders)
        training.seconds["evaluate"] += time.perf_counter() - asked
        figures: Figures = {
            "epoch": epoch + 1,
            "loss": loss,
            "val_loss": finite(held.loss),
            CHOOSES: held.accuracy,
            "probe_accuracy": probe.accuracy,
            "lr": take_step.lrs[place - 1],
        }
        if norms is not None:
            figures["grad_norm"], figures["grad_norm_max"] = norms
        training.epochs.append(figures)
        training.validation = held.predictions
        if watch is not None:
            watch(training.model, figures)
        if saves is not None and place < take_step.steps and saves.due(place, take_step.steps):
            saves.write(take_step, training, place)
    return training


def finite(value: float) -> float | None:
    """`value`, or None where JSON has no word for it."""
    return value if math.isfinite(value) else None

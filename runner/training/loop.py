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
from runner.training import memory
from runner.training.augmentation import seed_forward
from runner.training.evaluation import evaluate
from runner.training.feed import Feed
from runner.training.history import Training, clocks
from runner.training.loaders import ALONE, Loaders
from runner.training.model import build
from runner.training.randomness import derive, in_stream
from runner.training.statistics import reestimate
from runner.training.step import Step
from runner.training.teacher import teacher
from tricks.recipe import Recipe

if TYPE_CHECKING:
    from runner.training.checkpoint import Checkpoints

EXPLODED = 100  # a run diverges if an epoch's loss is this many times the loss at the start


def train(
    recipe: Recipe,
    splits: Splits,
    seed: int,
    device: torch.device,
    loaders: Loaders = ALONE,
    watch: Callable[[nn.Module, Figures], None] | None = None,
    saves: Checkpoints | None = None,
) -> Training:
    """Train `recipe` (resolved) on `splits`.

    watch: gets the model after each epoch, which it must not change, and the epoch's figures, which
    show whether it was evaluated. saves: continue from a checkpoint, and write new ones; raises
    Paused if the training stopped at a checkpoint.
    """
    seed = in_stream(seed, recipe.stream)
    torch.manual_seed(derive(seed, "init"))
    model = build(recipe, splits.classes, splits.channels).to(device)
    feed = Feed(recipe, splits, seed, device, loaders)
    known = functools.partial(teacher, splits=splits, recipe=recipe, device=device)
    take_step = Step(feed.real(), model, feed.steps, device, known)
    training = Training(take_step.evaluated, steps=feed.steps)
    training.memory["model"] = memory.now(device)
    per_epoch = feed.per_epoch
    place = 0 if saves is None else saves.resume(take_step, training)  # steps taken
    for epoch in range(place // per_epoch, recipe.epochs):
        began, before = clocks(loaders), dict(training.seconds)
        model.train()
        seed_forward(seed, epoch)
        losses, first = torch.zeros((), device=device), place % per_epoch
        if saves is not None and first:
            losses = saves.epoch_so_far()
        images = feed.epoch(epoch, training.laps)
        source = images.decoded(first)
        for step in range(first, per_epoch):
            asked = time.perf_counter()
            batch = next(source)
            training.seconds["wait"] += time.perf_counter() - asked
            loss = take_step(*images.inputs(*batch, step), place)
            losses += loss
            place += 1
            if place == 1:
                training.first_loss = loss
                training.memory["first_step"] = memory.now(device)
            within = step + 1 < per_epoch
            if saves is not None and within and saves.due(place, take_step.steps, began[0]):
                losses.item()  # waits for the device
                training.spent(began, loaders)
                saves.write(take_step, training, place, losses)
                began = clocks(loaders)
        last = epoch + 1 == recipe.epochs
        evaluated = last or (epoch + 1) % recipe.evaluate_every == 0
        training.model = take_step.evaluated
        if evaluated and take_step.own_statistics(place - 1):
            reestimate(training.model, model, images)
        mean = losses.item() / per_epoch  # waits for the device
        norms = take_step.gradient_norms()
        training.spent(began, loaders)
        training.lap(images.early, per_epoch - first, before)
        training.images += per_epoch * feed.batch
        training.diverged = not mean < EXPLODED * training.guessing(splits.classes)
        if training.diverged:
            lr = take_step.lrs[place - 1]
            training.epochs.append({"epoch": epoch + 1, "loss": finite(mean), "lr": lr})
            return training
        figures: Figures = {"epoch": epoch + 1, "loss": mean}
        if evaluated:
            asked = time.perf_counter()
            held, probe = (
                evaluate(training.model, source, splits, recipe, device, loaders, keep)
                for source, keep in ((splits.validation, last), (splits.probe, False))
            )
            training.seconds["evaluate"] += time.perf_counter() - asked
            training.validation = held.predictions
            figures["val_loss"] = finite(held.loss)
            figures[CHOOSES] = held.accuracy
            figures["probe_accuracy"] = probe.accuracy
        figures["lr"] = take_step.lrs[place - 1]
        if norms is not None:
            figures["grad_norm"], figures["grad_norm_max"] = norms
        training.epochs.append(figures)
        if watch is not None:
            watch(training.model, figures)
        if saves is not None and place < take_step.steps and saves.due(place, take_step.steps):
            saves.write(take_step, training, place)
    return training


def finite(value: float) -> float | None:
    """`value`, or None for NaN and infinity, which JSON lacks."""
    return value if math.isfinite(value) else None

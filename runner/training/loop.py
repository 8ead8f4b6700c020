"""The training loop, whole on one screen."""

from __future__ import annotations

import functools
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from runner.training import augmentation as aug
from runner.training import memory
from runner.training.data import Splits, View, batches
from runner.training.evaluation import as_input, evaluate
from runner.training.model import build
from runner.training.randomness import derive, generator, in_stream
from runner.training.step import Step
from runner.training.teacher import teacher
from tricks.recipe import Recipe

EXPLODED = 100  # an epoch's loss above this many times that of guessing counts as diverged


@dataclass
class Training:
    """What a training left: the model after the last epoch and the course it took."""

    model: nn.Module
    steps: int
    diverged: bool = False
    epochs: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("train", "evaluate", "wait", "cpu"), 0.0)
    )
    images: int = 0  # trained on, counting repeats
    memory: dict[str, Any] = field(default_factory=dict)  # MiB, by stage: see memory.now


def train(
    recipe: Recipe,
    splits: Splits,
    seed: int,
    device: torch.device,
    emit: Callable[[dict[str, Any]], None] = lambda epoch: None,
    loaders: int = 0,
    watch: Callable[[nn.Module, dict[str, Any]], None] | None = None,
) -> Training:
    """Train `recipe` (resolved) on `splits`; `emit` gets each epoch's figures.

    `watch` gets the evaluated model with them, and leaves it as it is.
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
        recipe.resolution, recipe.crop, seed, recipe.crop_scale, recipe.repeats, recipe.margin
    )
    for epoch in range(recipe.epochs):
        began, cpu = time.perf_counter(), _cpu_seconds()
        model.train()
        aug.seed_forward(seed, epoch)
        shuffled = torch.randperm(len(splits.train), generator=generator(seed, "order", epoch))
        shuffled = shuffled.repeat_interleave(recipe.repeats)[: per_epoch * batch]
        order = shuffled.view(per_epoch, batch).tolist()
        losses = torch.zeros((), device=device)
        source = batches(splits.train, order, view, device, epoch, loaders)
        for step in range(per_epoch):
            place = epoch * per_epoch + step
            asked = time.perf_counter()
            images, labels = next(source)
            training.seconds["wait"] += time.perf_counter() - asked
            images = aug.augment(images, recipe, seed, epoch, step, order[step])
            soft = aug.targets(labels, splits.classes, recipe.smoothing)
            inputs = as_input(images, splits, recipe)
            inputs = aug.resize(inputs, recipe, place / take_step.steps)
            losses += take_step(*aug.mix(inputs, soft, recipe, seed, epoch, step), place)
            if place == 0:
                training.memory["first_step"] = memory.now(device)
        next(source, None)  # lets the loader processes end
        loss = losses.item() / per_epoch  # waits for the device
        training.seconds["train"] += time.perf_counter() - began
        training.seconds["cpu"] += _cpu_seconds() - cpu
        training.images += per_epoch * batch
        training.diverged = not loss < EXPLODED * math.log(splits.classes)
        if training.diverged:
            lr = take_step.lrs[place]
            training.epochs.append({"epoch": epoch + 1, "loss": finite(loss), "lr": lr})
            return training
        began = time.perf_counter()
        held = evaluate(training.model, splits.validation, splits, recipe, device, loaders)
        probe = evaluate(training.model, splits.probe, splits, recipe, device, loaders)
        training.seconds["evaluate"] += time.perf_counter() - began
        figures = {
            "epoch": epoch + 1,
            "loss": loss,
            "val_loss": finite(held.loss),
            "val_accuracy": held.accuracy,
            "probe_accuracy": probe.accuracy,
            "lr": take_step.lrs[place],
        }
        training.epochs.append(figures)
        if watch is not None:
            watch(training.model, figures)
        emit(figures)
    return training


def _cpu_seconds() -> float:
    """CPU time of this process and of its loader processes that have ended."""
    return time.process_time() + sum(os.times()[2:4])


def finite(value: float) -> float | None:
    """`value`, or None where JSON has no word for it."""
    return value if math.isfinite(value) else None

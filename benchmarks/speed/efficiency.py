"""The share of forward, backward and optimizer step in a run, on one thread.

The run is the tool's `outcome()`. It builds the network, augments, mixes, follows the schedule,
does both evaluations of every epoch, writes a line per epoch, and evaluates the test set. The bare
loop repeats forward, backward and step on batches in memory, with the same network and shapes.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.arms import in_a_child, recipe, standard, there
from benchmarks.ratio import Conditions, Ratio, paired

BATCHES = 8  # batches that the bare loop uses in turn
WARM = 3  # untimed steps
FEW = 16_384  # training images of Fashion-MNIST's run: 1 epoch, 128 steps

Figures = dict[str, float]


def measure(conditions: Conditions) -> Iterator[Ratio]:
    yield from _task("digits", None, conditions, 0.90)
    if there("fashion-mnist", conditions.data):
        yield from _task("fashion-mnist", FEW, conditions, 0.95)


def _task(task: str, few: int | None, conditions: Conditions, target: float) -> Iterator[Ratio]:
    evaluating = []

    def above() -> float:
        figures = in_a_child(run, task, conditions.data, few)
        evaluating.append(figures["evaluate"] / figures["total"])
        return figures["images"]

    samples = paired(
        above, lambda: in_a_child(bare, task, conditions.data, few), conditions.repeats
    )
    share = sum(evaluating) / len(evaluating)
    note = f"{share:.0%} of the run was evaluation; " + (
        f"{few:,} of 55,000 images for one epoch, evaluated images in the task's own proportion, "
        "after a run of one step, as what is paid once a run vanishes in a whole one"
        if few
        else "a whole run, the building of the network and the first steps included"
    )
    if few is None:
        note += "; see docs/speed.md for what the rest is"
    yield Ratio(
        f"efficiency of a run, {task}, the standard tricks but EvoNorm, images/s",
        "bare loop of forward, backward, step",
        samples,
        "×",
        target,
        note=note,
    )


def _prepared(task: str, data: Path, few: int | None) -> tuple[Any, Any]:
    """Recipe and splits, with evaluated images in the proportion of the whole task."""
    from runner.tasks.registry import find

    splits = find(task).load(data, few)
    if few is None:
        return recipe(task, standard()), splits
    whole = find(task).load(data, None)
    usual = recipe(task, standard())

    def share(part: Any, of: float) -> Any:
        return part.subset(range(max(1, round(len(part) * few / (len(whole.train) * of)))))

    splits = replace(
        splits,
        validation=share(splits.validation, usual.evaluate_every),
        probe=share(whole.probe, usual.evaluate_every),
        test=share(splits.test, usual.epochs),  # read once in so many epochs
    )
    return recipe(task, standard(), epochs=1), splits


def run(task: str, data: Path, few: int | None) -> Figures:
    """images: training images per second of `outcome`; evaluate, total: seconds of `outcome`."""
    import torch

    from runner.execution.work import Figures as Epoch
    from runner.records.spec import RunSpec
    from runner.training.outcome import outcome

    whole, splits = _prepared(task, data, few)
    spec, cpu = RunSpec({}, whole, 0), torch.device("cpu")
    with tempfile.TemporaryFile("w") as file:

        def emit(epoch: Epoch) -> None:
            file.write(json.dumps(epoch) + "\n")
            file.flush()

        if few:
            tiny = splits.train.subset(range(whole.batch_size))
            outcome(spec, replace(splits, train=tiny), cpu)
        began = time.perf_counter()
        found: Any = outcome(spec, splits, cpu, emit).fields
        total = time.perf_counter() - began
    images = found["steps"] * whole.batch_size
    return {
        "images": images / total,
        "evaluate": found["seconds"]["evaluate"],
        "total": total,
    }


def bare(task: str, data: Path, few: int | None) -> float:
    """Training images per second. Freed memory is kept for the next tensor, as in a run."""
    import torch
    from torch.nn import functional as F

    from runner.training import memory
    from runner.training.augmentation import targets
    from runner.training.evaluation import as_input
    from runner.training.model import build

    torch.set_num_threads(1)
    memory.keep_freed()
    whole, splits = _prepared(task, data, few)
    torch.manual_seed(0)
    model = build(whole, splits.classes, splits.channels).train()
    spec: Any = whole.optimizer
    optimizer = spec.build(list(model.parameters()))
    size = whole.batch_size
    ready = []
    for start in range(0, BATCHES * size, size):
        part = splits.train.subset([i % len(splits.train) for i in range(start, start + size)])
        soft = targets(part.labels, splits.classes, whole.smoothing)
        ready.append((as_input(part.images, splits, whole), soft))
    steps = whole.epochs * (len(splits.train) // size)
    for step in range(-WARM, steps):
        if step == 0:
            began = time.perf_counter()
        x, y = ready[step % BATCHES]
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return steps * size / (time.perf_counter() - began)

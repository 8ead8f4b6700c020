"""A grid by the tool against `benchmarks/plain_training.py`, one script after another.

It measures seconds of whole runs, with enough runs to keep all cores busy. On Fashion-MNIST only a
part of an epoch is trained; the costs per image, evaluation and run are scaled to the whole task.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.arms import spec, standard, there
from benchmarks.fresh import in_a_fresh_process
from benchmarks.ratio import Conditions, Ratio, paired
from runner.execution.executor import execute
from runner.execution.machine import cores
from runner.execution.order import Order
from runner.images.sources import Splits
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun

ROOT = Path(__file__).resolve().parents[2]
DIGITS: tuple[list[str], ...] = ([], standard())  # arms, as names of tricks
FASHION = (["randaugment"], standard())
FEW = 1024  # training images of Fashion-MNIST, for one epoch
HELD = 512  # evaluated images of Fashion-MNIST
# Images of the whole task, which is evaluated after every other epoch.
WHOLE = {"train": 55_000, "epochs": 10, "evaluations": 5, "each": 5_256, "test": 10_000}
PIXELS = 14  # pixels per side, as in the committed study of Fashion-MNIST

MOST_REPEATS = 3  # repetitions: each takes a minute or two


def measure(conditions: Conditions) -> Iterator[Ratio]:
    yield _row("digits", DIGITS, conditions, None, 4.0)
    if there("fashion-mnist", conditions.data):
        yield _row("fashion-mnist", FASHION, conditions, None, 2.5)
        yield _row("fashion-mnist", FASHION, conditions, PIXELS, None)


def _row(
    task: str, arms: Any, conditions: Conditions, pixels: int | None, target: float | None
) -> Ratio:
    folders = (conditions.scratch / f"{task}-{pixels}-{i}" for i in range(2 * conditions.repeats))
    samples = paired(
        lambda: in_a_fresh_process(grid, task, arms, conditions.data, next(folders), pixels),
        lambda: scripts(task, arms, conditions.data, next(folders), pixels),
        min(conditions.repeats, MOST_REPEATS),
    )
    size = f" at {pixels} pixels a side" if pixels else ""
    few = (
        f"{FEW:,} training images and {HELD} evaluated ones, the seconds of each part scaled to "
        "the task's ten epochs"
        if task == "fashion-mnist"
        else "whole runs"
    )
    return Ratio(
        f"runs per hour of a grid on {task}{size}, {cores()} workers",
        "a script a run: DataLoader with 2 workers, transforms an image, all threads",
        samples,
        "×",
        target,
        note=f"{few}; the start of the tool itself, once a grid, is left out",
    )


def grid(task: str, arms: Any, data: Path, folder: Path, pixels: int | None) -> float:
    """Runs per second of the tool: one worker per core, each with both arms in turn."""
    few = None if task == "digits" else FEW
    settings: dict[str, Any] = {} if few is None else {"epochs": 1, "resolution": pixels or 0}

    def runs(seed: int) -> list[Any]:
        places = range(seed, seed + cores())
        return [spec(task, arms[i % len(arms)], i, data, few, **settings) for i in places]

    kind = RecipeRun if few is None else Short
    order = Order(kind(task, str(data), "cpu").sharing(runs(0)[0]), cores())
    warm = [replace(one, recipe=replace(one.recipe, epochs=1, width=1 / 64)) for one in runs(0)]
    execute([warm[0].run()], Store(folder / "warm"), replace(order, workers=1))
    store, ours = Store(folder / "grid"), runs(0)
    began = time.perf_counter()
    execute([one.run() for one in ours], store, order)
    wall = time.perf_counter() - began
    if few is None:
        return len(ours) / wall
    records = [store.read(run.id) or {} for run in ours]
    whole = []
    for record in records:
        spent, evaluated = (record["seconds"][name] for name in ("train", "evaluate"))
        whole.append(_whole(record["wall_seconds"] - spent - evaluated, spent, evaluated))
    return cores() / (sum(whole) / len(whole))


class Short(RecipeRun):
    """A run with few images to evaluate, since it has few training images."""

    def images(self, spec: RunSpec) -> Splits:
        splits = super().images(spec)
        sizes = {"validation": HELD // 4, "probe": HELD // 4, "test": HELD // 2}
        held = {name: getattr(splits, name).subset(range(size)) for name, size in sizes.items()}
        return replace(splits, **held)


def scripts(task: str, arms: Any, data: Path, folder: Path, pixels: int | None) -> float:
    """Runs per second of the plain script, once for each arm."""
    folder.mkdir(parents=True)
    seconds = []
    for number, tricks in enumerate(arms):
        out = folder / f"{number}.json"
        command = [sys.executable, "-m", "benchmarks.plain_training", task, str(out)]
        command += ["--seed", str(number), "--data", str(data)]
        if task != "digits":
            command += ["--epochs", "1", "--images", str(FEW), "--held", str(HELD)]
        command += ["--resolution", str(pixels)] if pixels else []
        began = time.perf_counter()
        subprocess.run([*command, "--tricks", *tricks], check=True, cwd=ROOT)
        wall = time.perf_counter() - began
        if task != "digits":
            inside = json.loads(out.read_text())["seconds"]
            besides = wall - inside["train"] - inside["evaluate"]
            wall = _whole(besides, inside["train"], inside["evaluate"])
        seconds.append(wall)
    return len(seconds) / sum(seconds)


def _whole(besides: float, train: float, evaluate: float) -> float:
    """Seconds of a whole run on Fashion-MNIST, from the seconds of a short run."""
    images = WHOLE["epochs"] * WHOLE["train"]
    evaluated = WHOLE["evaluations"] * WHOLE["each"] + WHOLE["test"]
    return besides + train * images / FEW + evaluate * evaluated / HELD

"""Many runs at once with one thread each, against runs in sequence with all threads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.arms import in_a_child, spec, standard
from benchmarks.ratio import Conditions, Ratio, paired
from runner.execution.executor import execute
from runner.execution.machine import cores
from runner.execution.order import Order
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.registry import find
from runner.training.device import choose

EPOCHS = 5  # half of the task's epochs, so fixed costs weigh twice as much as in a whole run
EACH = 2  # runs per core


def measure(conditions: Conditions) -> Iterator[Ratio]:
    arms = [[], ["cosine"], ["mixup"], standard()]
    runs = [
        spec("digits", arms[i % len(arms)], i, conditions.data, epochs=EPOCHS)
        for i in range(EACH * cores())
    ]
    stores = (conditions.scratch / str(i) for i in range(conditions.repeats))
    samples = paired(
        lambda: packed(runs, next(stores)),
        lambda: in_a_child(in_turn, [run.to_json() for run in runs], cores()),
        conditions.repeats,
    )
    yield Ratio(
        f"packing: runs per hour of a grid on digits, {cores()} workers of one thread each",
        f"one process with {cores()} threads, run after run",
        samples,
        "×",
        1.5,
        note=f"{len(runs)} runs of {EPOCHS} epochs; processes, claims and records of the grid "
        "count, the one process writes nothing",
    )


def packed(runs: list[RunSpec], folder: Path) -> float:
    """Runs per second of the tool's execution, with one process per run."""
    order = Order(RecipeRun("digits", device="cpu").sharing(runs[0]), cores())
    began = time.perf_counter()
    done = execute([one.run() for one in runs], Store(folder), order)
    seconds = time.perf_counter() - began
    assert done.ok + done.diverged == len(runs), done
    return len(runs) / seconds


def in_turn(runs: list[dict[str, object]], threads: int) -> float:
    """Runs per second of this process with `threads` threads."""
    from dataclasses import replace

    from runner.training.outcome import outcome

    specs = [RunSpec.from_json(run) for run in runs]
    splits = find("digits").load(Path(), None)
    began = time.perf_counter()
    for one in specs:
        outcome(replace(one, recipe=replace(one.recipe, threads=threads)), splits, choose("cpu"))
    return len(runs) / (time.perf_counter() - began)

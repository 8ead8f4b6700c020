"""The cost of a run besides its training: claim, process, images, network, record."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.arms import spec, there
from benchmarks.fresh import in_a_fresh_process
from benchmarks.ratio import Conditions, Ratio
from runner.execution.executor import execute
from runner.execution.order import Order
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun

RUNS = 8  # runs in sequence on one worker
MEMORY = Path("/dev/shm")  # a file system in memory, where syncing costs nothing


def measure(conditions: Conditions) -> Iterator[Ratio]:
    for task in ("digits", "fashion-mnist"):
        if there(task, conditions.data):
            samples = in_a_fresh_process(repeated, task, conditions)
            yield Ratio(
                f"fixed cost of a run from claim to record, a process each, {task}",
                "its training and evaluation",
                samples,
                "s",
                0.25,
                at_most=True,
                note=f"mean of {RUNS} runs of one step, one after another, when the template runs; "
                "the store is in memory, so that no disk is waited for",
            )


def repeated(task: str, conditions: Conditions) -> tuple[float, ...]:
    """`besides` several times, without the first, which starts the template."""
    return tuple(besides(task, conditions, i) for i in range(conditions.repeats + 1))[1:]


def besides(task: str, conditions: Conditions, number: int) -> float:
    """Wall-clock seconds per run, without training and evaluation."""
    # A narrow network and few pixels, since they are not measured.
    small = {"epochs": 1, "width": 1 / 64, "resolution": 4}
    runs = [spec(task, [], i, conditions.data, 64, **small) for i in range(RUNS)]
    work = RecipeRun(task, str(conditions.data), "cpu").sharing(runs[0])
    with contextlib.ExitStack() as stack:
        folder = conditions.scratch / f"{task}-{number}"
        if MEMORY.is_dir():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY)))
        store = Store(folder)
        began = time.perf_counter()
        execute([one.run() for one in runs], store, Order(work, workers=1))
        wall = time.perf_counter() - began
        records = [store.read(run.id) or {} for run in runs]
    trained = sum(r["seconds"]["train"] + r["seconds"]["evaluate"] for r in records)
    return (wall - trained) / RUNS

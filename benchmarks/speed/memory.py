"""Memory of one more worker, on Fashion-MNIST with the baseline's network and batch.

It is the proportional set size: a shared page is divided among its processes, so the sum over all
processes is the memory that they use together.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.arms import spec, there
from benchmarks.fresh import in_a_fresh_process
from benchmarks.ratio import Conditions, Ratio
from runner.execution.executor import execute
from runner.execution.order import Order
from runner.images.sources import Splits
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun

TASK = "fashion-mnist"
FEW = 128  # training images: 2 steps, which need as much memory as a thousand
HELD = 512  # evaluated images of each part: two batches, which need as much memory as forty
EVERY = 0.3  # seconds between samples


def measure(conditions: Conditions) -> Iterator[Ratio]:
    if not there(TASK, conditions.data):
        return
    folder = conditions.scratch
    samples = tuple(
        in_a_fresh_process(most, 2, conditions.data, folder / f"two-{i}")
        - in_a_fresh_process(most, 1, conditions.data, folder / f"one-{i}")
        for i in range(min(conditions.repeats, 3))
    )
    yield Ratio(
        f"memory of a worker beyond the first, {TASK}",
        "the same grid with one worker",
        samples,
        "MB",
        450,
        at_most=True,
        note="the most that template and workers take together (proportional set size), two "
        "workers less one; of that, activations of a training step take about 390 MB",
    )


def most(workers: int, data: Path, folder: Path) -> float:
    """Peak memory in MB of all child processes together, with `workers` training at a time."""
    runs = [spec(TASK, [], i, data, FEW, epochs=1) for i in range(workers)]
    held: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(EVERY):
            held.append(sum(map(_proportional, _descendants(os.getpid()))) / 1e6)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        order = Order(Short(TASK, str(data), "cpu").sharing(runs[0]), workers)
        done = execute([one.run() for one in runs], Store(folder), order)
    finally:
        over.set()
        looking.join()
    assert done.ok + done.diverged == workers, done
    return max(held)


class Short(RecipeRun):
    """A run with few images to evaluate."""

    def images(self, spec: RunSpec) -> Splits:
        splits = super().images(spec)
        held = {name: getattr(splits, name) for name in ("validation", "test")}
        return replace(splits, **{name: part.subset(range(HELD)) for name, part in held.items()})


def _descendants(parent: int) -> list[int]:
    """All descendants of the process `parent`, from /proc."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue  # it has ended
            below.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, waiting = [], [parent]
    while waiting:
        children = below.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _proportional(process: int) -> float:
    """Proportional set size of a process in bytes; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(1024.0 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))

"""Planning and scheduling: a dry run of a million arms, and runs without work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fresh import in_a_fresh_process
from benchmarks.ratio import Conditions, Ratio
from benchmarks.speed.records import TWENTY, timed
from runner.execution.executor import execute
from runner.execution.order import Order
from runner.execution.pausing import Pausing
from runner.execution.work import Emit, Outcome, Preload
from runner.records.run import Run
from runner.records.spec import RunSpec
from runner.records.store import Store
from tricks.recipe import Recipe

RUNS = 300  # runs without work
WORKERS = 2


def measure(conditions: Conditions) -> Iterator[Ratio]:
    """Wall time and memory of the real command; runs per second of the real executor."""
    grid = ("run", "--grid", "full", "--tricks", ",".join(TWENTY), "--dry-run")
    none = ("--results", str(conditions.scratch / "none"))
    dry = [timed(*grid, *none) for _ in range(conditions.repeats)]
    what = f"dry run of {2 ** len(TWENTY):,} arms"
    yield Ratio(what, "the command", tuple(s for s, _ in dry), "s", 1.0, at_most=True)
    yield Ratio(what, "peak memory", tuple(m for _, m in dry), "MB", 200.0, at_most=True)
    for per_process, how in ((1, "a process a run"), (1_000, "workers that live on")):
        speed = [
            in_a_fresh_process(
                scheduled, conditions.scratch / f"nothing-{per_process}-{n}", per_process
            )
            for n in range(conditions.repeats)
        ]
        yield Ratio(
            f"runs that do nothing, {how}", f"{WORKERS} workers, all synced to the disk",
            tuple(speed), "runs/s", 100.0,
        )  # fmt: skip


def scheduled(results: Path, per_process: int) -> float:
    """Runs per second without work, each with its claim, its folder and its record.

    The template process has started already, as it does once per grid. This runs in a fresh
    process, since the template of an earlier measurement lacks this module, and each child would
    import it.
    """
    store = Store(results)
    execute(runs(2), store, Order(Nothing(), WORKERS))
    begin = time.perf_counter()
    order = Order(Nothing(), WORKERS, runs_per_process=per_process)
    done = execute(runs(RUNS, 2), store, order)
    seconds = time.perf_counter() - begin
    assert done.ok == RUNS
    return RUNS / seconds


def runs(count: int, first: int = 0) -> list[Run]:
    """Runs that differ in their seed."""
    seeds = range(first, first + count)
    return [RunSpec({"task": "none"}, Recipe(), seed).run() for seed in seeds]


@dataclass(frozen=True)
class Nothing:
    """Work without training, and its outcome."""

    def __call__(self, run: Run, emit: Emit, pausing: Pausing | None) -> Outcome:
        return Outcome("ok", {"test_accuracy": 0.0})

    def preload(self) -> list[Preload]:
        return [__name__]

"""Interrupted runs continue from their checkpoint, in any later execution."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from pausing_training import ALWAYS_KILLED, EPOCHS, FAILS, STARVES, Pauses
from stub_training import runs, specs

from runner.execution.events import Epoch, Event, PausedRun, Stopping, Summary
from runner.execution.executor import execute
from runner.execution.limits import Limits
from runner.execution.order import Order
from runner.records import checkpoints
from runner.records.store import Store


class Grid:
    """A store, and executions of trainings with checkpoints on it."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "results")
        self.diary = folder / "diary"
        self.events: list[Event] = []
        self.stop_at = 0  # epoch at which to ask this process to stop

    def see(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Epoch) and event.metrics["epoch"] == self.stop_at:
            self.stop_at = 0
            os.kill(os.getpid(), signal.SIGINT)

    def run(self, seeds: list[int], checkpoint: float | None = 60.0, **told: Any) -> Summary:
        self.events.clear()
        retries = told.pop("retries", 2)
        work, limits = Pauses(str(self.diary), **told), Limits(checkpoint=checkpoint)
        order = Order(work, workers=2, retries=retries, limits=limits)
        return execute(runs(seeds), self.store, order, self.see)

    def epochs(self, seed: int) -> list[int]:
        """Those trained of a run, in order."""
        pairs = (map(int, line.split()) for line in self.diary.read_text().splitlines())
        return [epoch for found, epoch in pairs if found == seed]

    def record(self, seed: int) -> dict[str, Any]:
        found = self.store.read(specs([seed])[0].id)
        assert found is not None
        return found

    def checkpoint(self, seed: int) -> Path:
        return checkpoints.path_of(self.store.root, specs([seed])[0].id)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    return Grid(tmp_path)


WHOLE = list(range(1, EPOCHS + 1))


def test_a_run_whose_process_is_killed_goes_on_where_it_was(grid: Grid) -> None:
    assert grid.run([1], kill_at=(4,)).ok == 1
    assert grid.epochs(1) == [1, 2, 3, 4, *WHOLE[3:]]  # the epoch that was lost, again
    assert grid.record(1)["resumed"] == 1
    assert not grid.checkpoint(1).parent.exists(), "nor is the log of the one that was killed"


def test_asked_to_stop_long_runs_leave_and_go_on_another_time(grid: Grid) -> None:
    grid.stop_at = 3
    summary = grid.run([1, 2, 3], seconds=0.1)
    assert (summary.ok, summary.paused, summary.interrupted) == (0, 2, True)
    assert [event.pausing for event in grid.of(Stopping)] == [True]
    assert sorted(event.label for event in grid.of(PausedRun)) == [
        "baseline, seed 1", "baseline, seed 2",
    ]  # fmt: skip
    assert grid.store.claims.running() == set()
    assert grid.checkpoint(1).exists()
    assert not grid.checkpoint(3).exists()
    summary = grid.run([1, 2, 3])
    assert (summary.ok, summary.paused, summary.interrupted) == (3, 0, False)
    assert grid.epochs(1) == grid.epochs(2) == grid.epochs(3) == WHOLE
    assert [grid.record(seed)["resumed"] for seed in (1, 2, 3)] == [1, 1, 0]
    assert grid.record(1)["attempt"] == 1
    assert not list((grid.store.root / "attempts").rglob("*checkpoint*"))


def test_the_last_run_that_leaves_is_an_interruption_too(grid: Grid) -> None:
    grid.stop_at = 2
    summary = grid.run([1], seconds=0.1)
    assert (summary.paused, summary.interrupted, summary.asked_to_stop) == (1, True, True)


def test_without_checkpoints_they_finish(grid: Grid) -> None:
    grid.stop_at = 2
    summary = grid.run([1], checkpoint=None)
    assert (summary.ok, summary.paused, summary.interrupted) == (1, 0, False)
    assert [event.pausing for event in grid.of(Stopping)] == [False]


def test_a_process_goes_on_with_other_runs_after_one_was_asked_too_late(grid: Grid) -> None:
    """A message that arrives as its run ends is not taken for a run."""
    grid.stop_at = EPOCHS
    summary = grid.run([1, 2])
    assert summary.ok + summary.paused <= 2
    assert grid.run([1, 2]).interrupted is False
    assert grid.epochs(1) == grid.epochs(2) == WHOLE


def test_a_run_lost_too_often_keeps_its_checkpoint_and_a_failed_one_does_not(grid: Grid) -> None:
    summary = grid.run([ALWAYS_KILLED, FAILS], retries=1)
    assert (summary.infra, summary.failed) == (1, 1)
    assert grid.epochs(ALWAYS_KILLED) == [*WHOLE, EPOCHS, EPOCHS], "the first got further"
    head = checkpoints.head(grid.checkpoint(ALWAYS_KILLED))
    assert head is not None
    assert head.epoch == EPOCHS - 1
    assert not grid.checkpoint(FAILS).exists()


def test_a_run_that_gets_further_each_time_is_never_given_up(grid: Grid) -> None:
    assert grid.run([1, STARVES], retries=1, kill_at=(2, 3, 4, 7, 10)).ok == 2
    assert [grid.record(seed)["resumed"] for seed in (1, STARVES)] == [5, EPOCHS - 1]


def test_without_checkpoints_every_loss_counts(grid: Grid) -> None:
    assert grid.run([1], checkpoint=None, retries=1, kill_at=(2, 3, 4)).infra == 1


def test_the_seconds_of_a_run_are_not_fewer_than_its_training(grid: Grid) -> None:
    grid.run([1])
    assert grid.record(1)["wall_seconds"] == 1e6


def test_what_a_killed_runner_left_of_recorded_runs_is_cleared_away(grid: Grid) -> None:
    grid.run([1])
    for seed in (1, 2):
        with checkpoints.writing(grid.checkpoint(seed), {"epoch": 1}) as file:
            file.write(b"[1, 0]")
    (grid.checkpoint(1).parent / ".checkpoint.abc.tmp").write_bytes(b"half")
    for seed in (1, 2, FAILS):
        (grid.store.attempt(specs([seed])[0].id) / "log.txt").write_text("once")
    grid.run([1, FAILS])
    grid.run([])
    assert not grid.checkpoint(1).parent.exists()
    assert grid.checkpoint(2).exists()
    assert (grid.checkpoint(2).parent / "1" / "log.txt").exists(), "it has no record"
    assert len(list(grid.checkpoint(FAILS).parent.glob("*/log.txt"))) == 2

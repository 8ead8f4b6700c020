"""Crashes, hangs and lost processes stay with their run; what may succeed is tried again."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from stub_grid import Grid, id_of
from stub_training import runs

from runner.execution.events import Retry
from runner.execution.executor import execute
from runner.execution.limits import Limits
from runner.execution.order import Order
from runner.records.record_schema import Error


def test_crashes_of_every_kind_stay_with_their_run(grid: Grid) -> None:
    seeds = [90001, 0, 90002, 1, 90003, 2, 90006, 3, 90008, 4]
    summary = grid.run(seeds, retries=1)
    assert (summary.ok, summary.diverged, summary.failed, summary.infra) == (5, 1, 3, 1)
    states = grid.store.states()
    assert len(states) == len(seeds)
    assert states[id_of(90001)] == states[id_of(90002)] == states[id_of(90008)] == "failed"
    assert states[id_of(90003)] == "infra"
    assert states[id_of(90006)] == "diverged"

    error = (grid.store.read(id_of(90001)) or {})["error"]
    assert Error(**error).reason() == "ValueError: the loss has no meaning"
    assert "stub_training.py" in error["traceback"]
    error = (grid.store.read(id_of(90002)) or {})["error"]
    assert "exit code 3" in error["message"]
    error = (grid.store.read(id_of(90003)) or {})["error"]
    assert "SIGSEGV" in error["message"]
    assert "Segmentation fault" in error["traceback"]
    folder = grid.store.root / "attempts" / id_of(90001)[:2] / id_of(90001) / "1"
    assert "ValueError" in (folder / "log.txt").read_text()
    assert len((folder / "epochs.jsonl").read_text().splitlines()) == 2
    assert grid.run(seeds, retries=0).failed_before == 3


def test_nan_is_a_result(grid: Grid) -> None:
    grid.run([90006])
    record = grid.store.read(id_of(90006))
    assert record is not None
    assert (record["state"], record["test_loss"]) == ("diverged", None)
    assert record["epochs"][0]["loss"] is None


@pytest.mark.parametrize("seed", [90003, 90004, 90005])
def test_lost_runs_are_tried_again_so_often_and_anew_next_time(grid: Grid, seed: int) -> None:
    summary = grid.run([seed, 0], retries=2)
    assert (summary.ok, summary.infra) == (1, 1)
    assert grid.kinds(Retry) == 2
    assert grid.trainings().count(id_of(seed)) == 3
    record = grid.store.read(id_of(seed))
    assert record is not None
    assert (record["state"], record["attempt"]) == ("infra", 3)
    summary = grid.run([seed, 0], retries=0)
    assert (summary.infra, summary.skipped) == (1, 1)
    assert grid.trainings().count(id_of(seed)) == 4
    assert len(list((grid.store.root / "quarantine").iterdir())) == 1


def test_a_run_whose_process_was_killed_succeeds_the_second_time(grid: Grid) -> None:
    assert grid.run([90009]).ok == 1
    assert grid.kinds(Retry) == 1
    assert (grid.store.read(id_of(90009)) or {})["attempt"] == 2


@pytest.mark.parametrize("bad", [90010, 90001])
def test_a_process_whose_training_went_wrong_gets_no_other(grid: Grid, bad: int) -> None:
    seeds = [0, 1, bad, 2, 90006, 3]
    summary = grid.run(seeds, workers=1, runs_per_process=100, retries=0)
    assert (summary.ok, summary.diverged, summary.failed + summary.infra) == (4, 1, 1)
    assert grid.store.state(id_of(bad)) == ("infra" if bad == 90010 else "failed")
    processes = [line.split()[1] for line in grid.diary.read_text().splitlines()]
    assert len(set(processes[:3])) == len(set(processes[3:])) == 1
    assert processes[2] != processes[3]


def test_a_hung_run_is_ended_and_others_go_on(grid: Grid) -> None:
    summary = grid.run([90007, 0, 1, 2], limits=Limits(stall=0.5), retries=0)
    assert (summary.ok, summary.infra) == (3, 1)
    assert "no sign of life" in (grid.store.read(id_of(90007)) or {})["error"]["message"]


def test_an_epoch_longer_than_the_limit_is_no_hang_while_batches_come(grid: Grid) -> None:
    summary = grid.run([90016], limits=Limits(stall=0.7), retries=0)
    assert (summary.ok, summary.infra) == (1, 0)


def test_a_process_that_cannot_set_to_work_is_no_failure_of_its_run(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "vanishing_training.py"
    file.write_text("class Work:\n    def preload(self): return []\n")
    monkeypatch.syspath_prepend(tmp_path)
    training = importlib.import_module("vanishing_training")
    file.unlink()
    summary = execute(runs([0]), grid.store, Order(training.Work(), workers=1, retries=1))
    assert (summary.infra, summary.failed) == (1, 0)
    record = grid.store.read(id_of(0)) or {}
    assert "before the training began" in record["error"]["message"]
    assert grid.run([0]).ok == 1, "and it is tried anew"

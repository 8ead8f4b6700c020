"""Many runs: each gets its record, whatever happens to some of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from stub_grid import Grid, id_of
from stub_training import Stub, runs, specs

from runner.execution import run_queue
from runner.execution.events import Event, Finished, Skipped, Started, Summary
from runner.execution.executor import execute
from runner.execution.order import Order
from runner.records.run import Run
from runner.records.spec import RunSpec
from runner.tasks.recipe_run import RecipeRun
from tricks.errors import BadInput


@pytest.mark.parametrize("runs_per_process", [1, 3, 100])
def test_every_run_is_trained_once_and_never_again(grid: Grid, runs_per_process: int) -> None:
    summary = grid.run(range(7), runs_per_process=runs_per_process)
    assert summary == Summary(ok=7, diverged=0, failed=0, infra=0, skipped=0, interrupted=False)
    assert sorted(grid.trainings()) == sorted(id_of(seed) for seed in range(7))
    assert grid.kinds(Started) == grid.kinds(Finished) == 7
    summary = grid.run(range(9))
    assert (summary.ok, summary.skipped) == (2, 7)
    assert sum(event.count for event in grid.events if isinstance(event, Skipped)) == 7
    assert len(grid.trainings()) == len(set(grid.trainings())) == 9
    assert grid.store.claims.running() == set()
    assert not list((grid.store.root / "claims").rglob("*.0"))
    assert not list((grid.store.root / "attempts").rglob("log.txt"))


def test_a_record_holds_the_spec_and_the_outcome(grid: Grid) -> None:
    grid.run([3])
    record = grid.store.read(id_of(3))
    assert record is not None
    assert RunSpec.from_json(record).id == record["id"]
    assert record["test_accuracy"] == 93.0
    assert record["error"] is None
    assert record["attempt"] == 1
    assert {"schema", "host", "started", "finished", "checksum", "epochs"} <= record.keys()


def test_a_torn_claim_is_taken_over_after_its_lease(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_queue, "POLL", 0.05)
    grid.store.claims.lease = 0.3
    path = grid.store.claims.path(id_of(0), 0)
    path.parent.mkdir()
    path.touch()
    assert grid.run([0, 1]).ok == 2
    assert len(grid.trainings()) == 2
    assert grid.store.claims.generations(id_of(0)) == []


@pytest.mark.parametrize("state", ["ok", "failed"])
def test_runs_that_another_runner_records_count_in_their_state(grid: Grid, state: str) -> None:
    def other(event: Event) -> None:
        if isinstance(event, Started):
            record = {"id": id_of(0), **specs([0])[0].to_json(), "state": state, "error": None}
            assert grid.store.commit({**record, "attempt": 1})

    summary = execute(runs([0]), grid.store, Order(Stub(seconds=1.0), workers=1), other)
    assert (summary.ok, summary.skipped) == (0, 1)
    assert summary.failed_before == (state == "failed")


def test_failed_runs_are_kept_until_removed(grid: Grid) -> None:
    grid.run([90001])
    summary = grid.run([90001])
    assert (summary.failed, summary.skipped, summary.failed_before) == (0, 1, 1)
    grid.store.remove(id_of(90001))
    assert grid.run([90001]).failed == 1


def test_a_damaged_record_is_trained_again(grid: Grid) -> None:
    grid.run(range(3))
    path = grid.store.path(id_of(1))
    path.write_bytes(path.read_bytes()[:-40])
    summary = grid.run(range(3))
    assert (summary.ok, summary.skipped) == (1, 2)
    assert grid.trainings().count(id_of(1)) == 2
    assert len(list((grid.store.root / "quarantine").iterdir())) == 1


def test_the_same_run_twice_in_one_study_is_trained_once(grid: Grid) -> None:
    summary = grid.run([0, 0, 1, 0], workers=3)
    assert (summary.ok, summary.skipped) == (2, 2)


def test_specs_are_taken_as_they_are_needed(grid: Grid) -> None:
    drawn = 0

    def endless() -> Iterator[Run]:
        nonlocal drawn
        while True:
            drawn += 1
            yield runs([drawn])[0]

    class EnoughError(Exception):
        pass

    def stop(event: Event) -> None:
        if isinstance(event, Finished):
            raise EnoughError

    with pytest.raises(EnoughError):
        execute(endless(), grid.store, Order(Stub(), workers=2), stop)
    assert drawn <= 5


def test_plugins_are_loaded_in_the_child(grid: Grid, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0")
    with pytest.raises(BadInput, match=r"broken\.py: ZeroDivisionError"):
        grid.run([0], work=RecipeRun("digits", plugins=(str(broken),)))
    assert grid.store.states() == {}


@pytest.mark.parametrize(
    ("bad", "said"), [(90011, "a.png is no image: remove it"), (90012, "b.png is no image")]
)
@pytest.mark.parametrize("runs_per_process", [1, 100])
def test_a_mistake_of_the_user_ends_all_and_is_no_record(
    grid: Grid, bad: int, said: str, runs_per_process: int
) -> None:
    with pytest.raises(BadInput) as caught:
        grid.run([0, bad, *range(1, 50)], runs_per_process=runs_per_process)
    assert str(caught.value) == said
    assert grid.store.state(id_of(bad)) is None
    begun = set(grid.trainings())
    assert len(begun) < 10
    assert set(grid.store.states()) == begun - {id_of(bad)}, "runs at hand were finished"
    assert set(grid.store.states().values()) == {"ok"}
    assert grid.store.claims.running() == set()
    assert not list((grid.store.root / "attempts").rglob("log.txt"))


@pytest.mark.parametrize("more", [[], [0, 1]])
def test_a_stop_during_the_last_runs_is_a_finished_grid(grid: Grid, more: list[int]) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Started) and grid.store.state(id_of(1)):
            os.kill(os.getpid(), signal.SIGINT)

    grid.run([0, 1])
    summary = grid.run([2, *more], on_event=stop)
    assert (summary.ok, summary.skipped, summary.interrupted) == (1, len(more), False)
    summary = grid.run([3, *more, 4, 5, 6], on_event=stop)
    assert summary.interrupted


def test_a_store_that_fills_up_stops_all_with_one_line(grid: Grid) -> None:
    grid.run([0])
    (grid.store.root / "attempts" / id_of(1)[:2]).write_text("no folder can be here")
    with pytest.raises(BadInput, match="cannot write to the store") as caught:
        grid.run([1, 2, 3])
    assert "\n" not in str(caught.value)
    assert grid.store.state(id_of(0)) == "ok"


def test_a_store_that_is_tampered_with_meanwhile_fails_no_run(grid: Grid, tmp_path: Path) -> None:
    def link(event: Event) -> None:
        if isinstance(event, Finished):
            (grid.store.root / "runs" / "zz").symlink_to(tmp_path)

    with pytest.raises(BadInput, match="zz is a symbolic link"):
        grid.run(range(6), workers=1, on_event=link)
    (grid.store.root / "runs" / "zz").unlink()
    assert list(grid.store.states().values()) == ["ok"]
    assert grid.run(range(6)).ok == 5


def test_zero_workers_are_refused(grid: Grid) -> None:
    with pytest.raises(BadInput, match="workers must be at least 1"):
        grid.run([0], workers=0)

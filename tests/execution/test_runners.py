"""Killed, stopped or several runners: every run ends with exactly one record."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from injected import disks, kills, memory, owners
from injected.accounts import check_complete, diary
from injected.runners import STARTED, Runner, end_all, in_session, until
from stub_training import specs

from runner.execution.failure import advice
from runner.execution.limits import RESERVE
from runner.launch.options import Options
from runner.launch.room import check_room
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from tricks.errors import BadInput


@pytest.fixture(autouse=True)
def _leave_nothing_behind() -> Iterator[None]:
    yield
    end_all()


def workers_of(folder: Path) -> list[int]:
    """Process numbers of all workers that have trained; checks that there is one."""
    path = folder / "diary"
    assert until(lambda: path.exists() and path.read_text().endswith("\n"))
    return [pid for _, pid, _ in diary(folder)]


def test_a_killed_runner_leaves_no_process_and_nothing_is_lost(tmp_path: Path) -> None:
    runner = Runner(tmp_path, runs=8, seconds=0.3)
    runner.wait_for("Finished", 3)
    session = runner.process.pid
    os.kill(runner.process.pid, signal.SIGKILL)
    runner.process.wait()
    assert until(lambda: not in_session(session)), in_session(session)
    finished = len(Store(tmp_path / "results").ids())
    assert finished >= 3
    summary, err = Runner(tmp_path, runs=8, seconds=0.01).end()
    assert summary is not None, err
    assert summary["skipped"] == finished
    assert summary["ok"] == 8 - finished
    trained = check_complete(tmp_path, 8)
    assert sum(trained.values()) <= 8 + 2  # only what was in flight was repeated


def test_killed_at_random_moments(tmp_path: Path) -> None:
    figures = kills.kill_at_random(tmp_path, runs=60, kills=10, seed=1)
    assert figures["records"] == 60


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_kills_at_random_moments(tmp_path: Path) -> None:
    figures = kills.kill_at_random(tmp_path, runs=600, kills=200, seed=2)
    assert figures["kills"] >= 200


def test_a_killed_worker_costs_its_own_attempt_only(tmp_path: Path) -> None:
    runner = Runner(tmp_path, runs=6, seconds=0.4)
    runner.wait_for("Started")
    os.kill(workers_of(tmp_path)[0], signal.SIGKILL)
    summary, err = runner.end()
    assert summary is not None, err
    assert summary["ok"] == 6
    assert sum(check_complete(tmp_path, 6).values()) == 7


def test_two_runners_train_each_run_once(tmp_path: Path) -> None:
    runners = [Runner(tmp_path, runs=20, seconds=0.05) for _ in range(2)]
    summaries = [runner.end() for runner in runners]
    assert all(summary is not None for summary, _ in summaries), summaries
    assert sum(summary["ok"] for summary, _ in summaries if summary) == 20
    for summary, _ in summaries:
        assert summary is not None
        assert summary["ok"] + summary["skipped"] == 20
    assert set(check_complete(tmp_path, 20).values()) == {1}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_eight_runners_train_each_of_two_thousand_once(tmp_path: Path) -> None:
    owners.many_runners(tmp_path, runs=2_000, runners=8)


def test_the_second_runner_takes_over_when_the_first_is_killed(tmp_path: Path) -> None:
    first = Runner(tmp_path, runs=2, seconds=3.0)
    first.wait_for("Started", 2)
    second = Runner(tmp_path, runs=2, seconds=0.01)
    second.wait_for("Waiting")
    first.process.kill()
    summary, err = second.end()
    assert summary is not None, err
    assert summary["ok"] == 2
    assert set(check_complete(tmp_path, 2).values()) == {2}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_asked_once_it_finishes_what_runs_and_stops(tmp_path: Path, number: int) -> None:
    runner = Runner(tmp_path, runs=50, seconds=0.5)
    runner.wait_for("Started", 2)
    os.killpg(runner.process.pid, number)  # as a terminal does: to every process of the group
    summary, err = runner.end()
    assert summary is not None, err
    assert err == ""
    assert summary["interrupted"]
    assert summary["ok"] == 2
    assert len(workers_of(tmp_path)) == 2
    assert until(lambda: not in_session(runner.process.pid))
    assert len(Store(tmp_path / "results").states()) == 2


def test_what_is_started_to_outlive_its_terminal_goes_on_without_it(tmp_path: Path) -> None:
    """Started as by `nohup`: SIGHUP is ignored."""

    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    runner = Runner(tmp_path, runs=4, seconds=0.5, before=ignore)
    runner.wait_for("Started", 2)
    os.killpg(runner.process.pid, signal.SIGHUP)
    summary, err = runner.end()
    assert summary is not None, err
    assert (summary["ok"], summary["interrupted"]) == (4, False)


def test_asked_twice_it_stops_now(tmp_path: Path) -> None:
    runner = Runner(tmp_path, runs=50, seconds=60.0)
    runner.wait_for("Started", 2)
    os.killpg(runner.process.pid, signal.SIGINT)
    runner.wait_for("Stopping")
    begin = time.monotonic()
    os.killpg(runner.process.pid, signal.SIGINT)
    summary, err = runner.end()
    assert time.monotonic() - begin < 5
    assert summary is not None, err
    assert err == ""
    assert summary["interrupted"]
    assert until(lambda: not in_session(runner.process.pid))
    assert Store(tmp_path / "results").states() == {}
    assert not list((tmp_path / "results" / "claims").rglob("*.0"))


def test_a_killed_template_is_no_loss(tmp_path: Path) -> None:
    runner = Runner(tmp_path, runs=6, seconds=0.3)
    runner.wait_for("Started")
    template = int(Path(f"/proc/{workers_of(tmp_path)[0]}/stat").read_text().split()[3])
    os.kill(template, signal.SIGKILL)
    summary, err = runner.end()
    assert summary is not None, err
    assert summary["ok"] + summary["skipped"] == 6
    check_complete(tmp_path, 6)


@pytest.mark.parametrize(("number", "infra"), [(2, False), (18, False), (15, True)])
def test_an_owner_stopped_past_its_lease_changes_nothing_when_revived(
    tmp_path: Path, number: int, infra: bool
) -> None:
    assert owners.stop_and_revive(tmp_path, number, infra) is not None


@pytest.mark.slow
def test_an_owner_stopped_at_any_call_changes_nothing_when_revived(tmp_path: Path) -> None:
    assert owners.fenced(tmp_path, every=4)["stopped"] > 10


def test_a_clock_a_day_off_takes_no_claim_away(tmp_path: Path) -> None:
    assert owners.clocks_apart(tmp_path)["looks at a living owner"] > 5


def test_a_stopped_worker_is_ended_as_one_that_hangs(tmp_path: Path) -> None:
    summary = Runner(tmp_path, seeds="90017,0,1", stall=0.8).summary()
    assert summary["ok"] == 3
    assert [id for id, _, _ in diary(tmp_path)].count(specs([90017])[0].id) == 2


@pytest.mark.parametrize("kind", ["room", "full", pytest.param("files", marks=pytest.mark.slow)])
def test_a_disk_that_fills_up_ends_all_with_one_line_and_loses_nothing(
    tmp_path: Path, kind: str
) -> None:
    if disks.disk_fills_up(tmp_path, kind) is None:
        pytest.skip("no file system can be mounted here")


def test_a_grid_is_refused_on_a_disk_that_is_too_small_for_it(tmp_path: Path) -> None:
    work = RecipeRun("digits")
    with disks.small_disk(tmp_path, 40) as place:
        if place is None:
            pytest.skip("no file system can be mounted here")
        few, many = specs(range(5)), specs(range(5_000))
        options = Options(place / "results", workers=2)
        assert check_room(few, None, work, options) == RESERVE
        with pytest.raises(BadInput, match=r"no room for this grid.* MB of records: .* are free"):
            check_room(many, None, work, options)


@pytest.mark.parametrize("seed", [90013, pytest.param(90014, marks=pytest.mark.slow)])
def test_address_space_that_runs_out_is_no_bug_of_the_run(tmp_path: Path, seed: int) -> None:
    summary = Runner(tmp_path, seeds=f"{seed},0,1", retries=1).summary()
    assert (summary["ok"], summary["infra"], summary["failed"]) == (2, 1, 0)
    assert memory.starved(tmp_path, seed).type in ("MemoryError", "RuntimeError")
    assert len(diary(tmp_path)) == 4
    assert "memory ran out" in advice(memory.starved(tmp_path, seed))


def test_a_process_that_the_kernel_ends_for_want_of_memory_is_told(tmp_path: Path) -> None:
    if memory.killed_by_the_kernel(tmp_path) is None:
        pytest.skip("no control group can be made here")


def test_the_time_limit_stops_as_a_request_does_and_the_rest_is_left(tmp_path: Path) -> None:
    summary = Runner(tmp_path, runs=50, seconds=0.4, wall=1.5).summary()
    assert summary["interrupted"]
    assert summary["out_of_time"]
    assert 1 <= summary["ok"] < 20
    assert set(Store(tmp_path / "results").states().values()) == {"ok"}
    summary = Runner(tmp_path, runs=50, seconds=0.0).summary()
    assert not summary["interrupted"]
    assert set(check_complete(tmp_path, 50).values()) == {1}


def test_no_run_is_begun_that_would_take_longer_than_is_left(tmp_path: Path) -> None:
    summary = Runner(tmp_path, runs=50, seconds=1.0, wall=1.8, run=1.0).summary()
    assert (summary["ok"], summary["out_of_time"]) == (2, True)


def test_a_run_longer_than_all_the_time_there_is_is_begun_all_the_same(tmp_path: Path) -> None:
    summary = Runner(tmp_path, runs=3, seconds=0.6, wall=0.5, run=3600).summary()
    assert (summary["ok"], summary["out_of_time"]) == (2, True)


def test_calls_leave_no_process_behind_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import time\n"
        "from runner.execution.engines import calls\n"
        "calls.each(abs, [1])\n"
        "print('ready', flush=True)\n"
        "calls.each(time.sleep, [300, 300], at_a_time=2)\n"
    )
    (tmp_path / "program.py").write_text(code)
    parent = subprocess.Popen(
        [sys.executable, str(tmp_path / "program.py")],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    STARTED.append(parent)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    assert until(lambda: len(in_session(parent.pid)) >= 5), "program, tracker, template, two asleep"
    assert len(in_session(parent.pid)) >= 2
    parent.kill()
    parent.wait()
    assert until(lambda: not in_session(parent.pid)), in_session(parent.pid)

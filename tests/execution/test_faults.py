"""Runners that are killed, stopped, or several at once: every run ends with exactly one record."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from stub_training import specs

from runner.records.store import Store

HERE = Path(__file__).parent


class Runner:
    """A runner in a process of its own."""

    started: ClassVar[list[subprocess.Popen[str]]] = []

    def __init__(self, folder: Path, runs: int, seconds: float, *rest: int) -> None:
        self.diary = folder / "diary"
        arguments = [folder / "results", self.diary, runs, seconds, *rest]
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "grid_runner.py"), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(self.process)

    def wait_for(self, word: str, times: int = 1) -> None:
        """Until that many lines that begin with `word` were printed."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            times -= line.startswith(word)
            if times == 0:
                return
        raise AssertionError(self.process.stderr.read() if self.process.stderr else "")

    def end(self) -> tuple[dict[str, Any] | None, str]:
        """Its summary, if it printed one, and what it printed on stderr."""
        out, err = self.process.communicate(timeout=200)
        last = (out.strip().splitlines() or [""])[-1]
        return (json.loads(last) if last.startswith("{") else None), err


@pytest.fixture(autouse=True)
def _leave_nothing_behind() -> Iterator[None]:
    yield
    while Runner.started:
        process = Runner.started.pop()
        process.kill()
        process.wait()


def workers_of(diary: Path) -> list[int]:
    """Process numbers of all workers that ever trained, of which there is at least one."""
    assert until(lambda: diary.exists() and diary.read_text().endswith("\n"))
    return [int(line.split()[1]) for line in diary.read_text().splitlines()]


def until(condition: Any, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def check_complete(folder: Path, runs: int) -> Counter[str]:
    """Every run has one record that verifies; returns how often each was trained."""
    store = Store(folder / "results")
    assert store.states() == {spec.id: "ok" for spec in specs(range(runs))}
    assert not list((folder / "results" / "quarantine").iterdir())
    return Counter(line.split()[0] for line in (folder / "diary").read_text().splitlines())


def test_a_killed_runner_leaves_no_process_and_nothing_is_lost(tmp_path: Path) -> None:
    runner = Runner(tmp_path, 8, 0.3)
    runner.wait_for("Finished", 3)
    session = runner.process.pid
    os.kill(runner.process.pid, signal.SIGKILL)
    runner.process.wait()
    assert until(lambda: not in_session(session)), in_session(session)
    finished = len(Store(tmp_path / "results").ids())
    assert finished >= 3
    summary, err = Runner(tmp_path, 8, 0.01).end()
    assert summary is not None, err
    assert summary["skipped"] == finished
    assert summary["ok"] == 8 - finished
    trained = check_complete(tmp_path, 8)
    assert sum(trained.values()) <= 8 + 2  # only what was in flight was repeated


def in_session(session: int) -> list[int]:
    """Living processes of a session, whatever became of its leader."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append(int(folder.name))
    return found


def kill_at_random(folder: Path, runs: int, kills: int, seed: int) -> None:
    """Kill workers, template and runner at random moments, `kills` times, then let it finish."""
    draw = random.Random(seed)
    done = 0
    while done < kills:
        runner = Runner(folder, runs, 0.02)
        runner.wait_for("Started")
        for _ in range(draw.randrange(6)):
            time.sleep(draw.random() * 0.1)
            children = [p for p in in_session(runner.process.pid) if p != runner.process.pid]
            for pid in draw.sample(children, min(1, len(children))):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    done += 1
        time.sleep(draw.random() * 0.1)
        runner.process.kill()
        runner.process.communicate()
        done += 1
    summary, err = Runner(folder, runs, 0.01).end()
    assert summary is not None, err
    check_complete(folder, runs)


def test_killed_at_random_moments(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 60, 10, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_kills_at_random_moments(tmp_path: Path) -> None:
    kill_at_random(tmp_path, 600, 200, seed=2)


def test_a_killed_worker_costs_its_own_attempt_only(tmp_path: Path) -> None:
    runner = Runner(tmp_path, 6, 0.4)
    runner.wait_for("Started")
    os.kill(workers_of(runner.diary)[0], signal.SIGKILL)
    summary, err = runner.end()
    assert summary is not None, err
    assert summary["ok"] == 6
    assert sum(check_complete(tmp_path, 6).values()) == 7


def test_two_runners_train_each_run_once(tmp_path: Path) -> None:
    runners = [Runner(tmp_path, 20, 0.05) for _ in range(2)]
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
    runners = [Runner(tmp_path, 2_000, 0.0, 1, 100) for _ in range(8)]
    summaries = [runner.process.communicate(timeout=800) for runner in runners]
    assert all(runner.process.returncode == 0 for runner in runners), summaries
    assert set(check_complete(tmp_path, 2_000).values()) == {1}


def test_the_second_runner_takes_over_when_the_first_is_killed(tmp_path: Path) -> None:
    first = Runner(tmp_path, 2, 3.0)
    first.wait_for("Started", 2)
    second = Runner(tmp_path, 2, 0.01)
    second.wait_for("Waiting")
    first.process.kill()
    summary, err = second.end()
    assert summary is not None, err
    assert summary["ok"] == 2
    assert set(check_complete(tmp_path, 2).values()) == {2}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_once_it_finishes_what_runs_and_stops(tmp_path: Path, number: int) -> None:
    runner = Runner(tmp_path, 50, 0.5)
    runner.wait_for("Started", 2)
    os.killpg(runner.process.pid, number)  # as a terminal does: to every process of the group
    summary, err = runner.end()
    assert summary is not None, err
    assert err == ""
    assert summary["interrupted"]
    assert summary["ok"] == 2
    assert len(workers_of(runner.diary)) == 2
    assert until(lambda: not in_session(runner.process.pid))
    assert len(Store(tmp_path / "results").states()) == 2


def test_asked_twice_it_stops_now(tmp_path: Path) -> None:
    runner = Runner(tmp_path, 50, 60.0)
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
    runner = Runner(tmp_path, 6, 0.3)
    runner.wait_for("Started")
    template = int(Path(f"/proc/{workers_of(runner.diary)[0]}/stat").read_text().split()[3])
    os.kill(template, signal.SIGKILL)
    summary, err = runner.end()
    assert summary is not None, err
    assert summary["ok"] + summary["skipped"] == 6
    check_complete(tmp_path, 6)

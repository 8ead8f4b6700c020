"""Real trainings with killed workers and runners end with the records of undisturbed ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from digits_training import specs

from runner.records import checkpoints
from runner.records.store import Store

HERE = Path(__file__).parent
SEEDS = 2
SAME = (
    "weights_sha256", "epochs", "test_accuracy", "test_loss", "correct", "val_accuracy", "val_loss",
    "probe_accuracy", "steps", "state",
)  # fmt: skip
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def runner(store: Path, seconds: float, workers: int, seeds: int = SEEDS) -> subprocess.Popen[str]:
    arguments = [HERE / "digits_training.py", store, seconds, seeds, workers]
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def end(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Its summary."""
    out, _ = process.communicate(timeout=200)
    last = out.strip().splitlines()[-1]
    assert last.startswith("{"), out
    return json.loads(last)


def results(store: Path, seeds: int = SEEDS) -> list[dict[str, Any]]:
    """The parts of the records that do not depend on time."""
    records = [Store(store).read(spec.id) for spec in specs(range(seeds))]
    assert all(record is not None for record in records)
    return [{name: record[name] for name in SAME} for record in records if record]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The results of two workers without checkpoints."""
    store = tmp_path_factory.mktemp("undisturbed")
    assert end(runner(store, 0, 2))["ok"] == SEEDS
    found = results(store)
    assert found[0]["weights_sha256"] != found[1]["weights_sha256"]
    return found


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.002)
    raise AssertionError("it did not happen")


def place(store: Path) -> int:
    """Steps that the first run's checkpoint has; 0 without one."""
    head = checkpoints.head(checkpoints.path_of(store, specs(range(1))[0].id))
    return head.place if head else 0


def worker(store: Path) -> int:
    """The process that holds the first run's claim."""
    id = specs(range(1))[0].id
    return int(wait_for(lambda: Store(store).claims.holder(id))[1])


def test_killed_workers_and_runners_cost_nothing_but_time(
    tmp_path: Path, undisturbed: list[dict[str, Any]], started: list[subprocess.Popen[str]]
) -> None:
    store = tmp_path / "results"
    started.append(runner(store, 0.01, 1))
    wait_for(lambda: place(store) > 2)
    os.kill(worker(store), signal.SIGKILL)  # its runner tries again, from the checkpoint
    before = place(store)
    wait_for(lambda: place(store) > before + 2)
    started[0].kill()
    started[0].wait()
    assert place(store) > before
    started.append(runner(store, 0.01, 1))  # and another run, which nothing disturbs
    assert end(started[1])["ok"] == SEEDS
    assert results(store) == undisturbed
    record = Store(store).read(specs(range(1))[0].id)
    assert record is not None
    assert record["resumed"] == 2
    assert record["seconds"]["total"] >= record["seconds"]["train"]
    assert not list(store.rglob("*checkpoint*"))
    assert not list((store / "quarantine").iterdir())


def test_asked_to_stop_it_goes_on_another_time(
    tmp_path: Path, undisturbed: list[dict[str, Any]], started: list[subprocess.Popen[str]]
) -> None:
    store = tmp_path / "results"
    started.append(runner(store, 1e6, 2))
    assert started[0].stdout is not None
    next(line for line in started[0].stdout if line.startswith("Epoch"))
    os.killpg(started[0].pid, signal.SIGTERM)
    summary = end(started[0])
    assert summary["paused"] >= 1
    assert summary["interrupted"]
    assert len(list(store.rglob("checkpoint"))) == summary["paused"]
    started.append(runner(store, 1e6, 2))
    assert end(started[1])["ok"] == SEEDS - summary["ok"]
    assert results(store) == undisturbed


def test_a_damaged_checkpoint_is_put_aside_and_told(
    tmp_path: Path, undisturbed: list[dict[str, Any]], started: list[subprocess.Popen[str]]
) -> None:
    store = tmp_path / "results"
    started.append(runner(store, 0.01, 1, seeds=1))
    wait_for(lambda: place(store) > 4)
    started[0].kill()
    started[0].wait()
    file = checkpoints.path_of(store, specs(range(1))[0].id)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    started.append(runner(store, 1e6, 1, seeds=1))
    assert end(started[1])["ok"] == 1
    assert results(store, seeds=1) == undisturbed[:1]
    assert len(list((store / "quarantine").glob("*.checkpoint"))) == 1

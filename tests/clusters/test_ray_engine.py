"""The engine `ray` without a cluster: its messages, and what lost and broken nodes cost."""

from __future__ import annotations

import socket
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import fake_ray
import pytest
from fake_ray import on
from pausing_training import EPOCHS
from sent_training import EXITS, LACKS, FirstPlace, Travels
from stub_training import Stub, runs, two_arms

from runner.cli import call
from runner.execution.engines import ray_cluster, ray_node
from runner.execution.engines.ray_cluster import Asked, Cluster, connected
from runner.execution.events import Event, Remark, Retry
from runner.execution.executor import execute
from runner.execution.limits import Limits
from runner.execution.order import Order
from runner.records.run import Run
from runner.records.store import Store
from tricks.errors import BadInput

pytestmark = pytest.mark.usefixtures("alone")

CPUS = {"CPU": 2.0}


def run(flags: str) -> int:
    """The exit code of the command with these flags."""
    return call(["run", *flags.split()])


def test_without_the_package_it_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run("--engine ray --tricks cosine") == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert "pip install 'tricks-bench[ray]'" in told[0]
    assert run("--engine ray --tricks cosine --dry-run") == 0, "it needs no cluster"
    assert run("--address here:6379") == 2
    assert "--address is for --engine ray, not for local" in capsys.readouterr().err
    assert run("--engine rya") == 2
    assert "ray" in capsys.readouterr().err


def test_a_cluster_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**told: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance.\nPlease specify")

    on(monkeypatch, CPUS).init = init
    with pytest.raises(BadInput, match=r"^no Ray cluster is running here \(Could not.*ray start"):
        connected(Asked.of({}))
    with pytest.raises(BadInput, match="no Ray cluster answers at head:6379"):
        connected(Asked.of({"address": "head:6379"}))


def test_the_room_of_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = on(monkeypatch, {"CPU": 16.0, "GPU": 4.0})
    assert connected(Asked.of({"address": "head:6379"})).room == 4
    assert fake.asked[0]["address"] == "head:6379"
    assert connected(Asked.of({"per_gpu": "3"})).room == 12
    assert connected(Asked.of({"device": "cpu"})) == Cluster(16, 4, 0)
    assert Cluster(16, 4, 0).room == 16
    on(monkeypatch, CPUS)
    with pytest.raises(BadInput, match="no machine of the Ray cluster has a GPU"):
        connected(Asked.of({"device": "cuda"}))
    with pytest.raises(BadInput, match="Ray chooses the GPU"):
        Asked.of({"device": "cuda:1"})


class Grid:
    """A store, and what happened in executions on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, Store(folder / "results")
        self.events: list[Event] = []

    def run(self, seeds: list[int], retries: int = 2, **told: Any) -> Any:
        return self.execute(runs(seeds), Travels(str(self.folder / "diary"), **told), retries)

    def execute(self, asked: list[Run], work: Any, retries: int = 2) -> Any:
        order = Order(work, 2, retries=retries, limits=Limits(checkpoint=0.0), engine="ray")
        return execute(asked, self.store, order, self.events.append)

    def epochs(self) -> Counter[str]:
        return Counter((self.folder / "diary").read_text().splitlines())


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    return Grid(tmp_path)


def test_what_a_worker_leaves_comes_into_the_store(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = on(monkeypatch, CPUS)
    summary = grid.run([1, 2, 3, EXITS])
    assert (summary.ok, summary.failed) == (3, 1)
    assert fake.asked[-1] == {
        "num_cpus": 1, "num_gpus": 0, "max_restarts": 0, "max_task_retries": 0,
    }  # fmt: skip
    assert set(grid.epochs().values()) == {1}
    id = runs([2])[0].id
    assert (grid.store.root / "models" / f"{id}.safetensors").read_text() == "weights of 2"
    assert not (grid.store.root / "attempts" / id[:2] / id).exists()
    left = grid.store.read(runs([EXITS])[0].id) or {}
    assert (left["error"]["type"], left["attempt"]) == ("ProcessExit", 1)
    log = grid.store.root / "attempts" / left["id"][:2] / left["id"] / "1" / "log.txt"
    assert f"training {left['id']} in" in log.read_text()
    assert list((grid.folder / "scratch").glob("tricks-bench-ray-*")) == [], "workers clear up"
    assert grid.store.claims.running() == set()


def test_a_lost_node_costs_what_was_done_since_the_last_checkpoint(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, CPUS, lives=(5,))
    monkeypatch.setattr(ray_node, "WAIT", 0.5)  # so that it lives to see a checkpoint
    assert grid.run([1], retries=0, seconds=0.2).ok == 1
    (lost,) = [event for event in grid.events if isinstance(event, Retry)]
    assert lost.error.type == "Lost"
    assert "The node was terminated." in (lost.error.message or "")
    record = grid.store.read(runs([1])[0].id) or {}
    assert record["resumed"] == 1
    again = sum(grid.epochs().values()) - EPOCHS
    assert len(grid.epochs()) == EPOCHS
    assert again <= 2


def test_a_run_that_waits_for_a_place_takes_a_worker_that_became_idle(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after the loss of a node: idle workers hold the places that a new worker waits for."""
    on(monkeypatch, CPUS, places=1)
    assert grid.run([1, 2, 3, 4]).ok == 4
    assert set(grid.epochs().values()) == {1}
    on(monkeypatch, CPUS, lives=(2,), places=1)
    assert grid.run([5, 6, 7]).ok == 3


def test_without_checkpoints_it_is_given_up_after_its_retries(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, CPUS, lives=(0, 0))
    assert grid.run([1], retries=1).infra == 1
    assert (grid.store.read(runs([1])[0].id) or {})["error"]["type"] == "Lost"


@pytest.mark.parametrize("lacks", [False, True])
def test_a_worker_on_a_broken_node_gets_no_more_runs(
    grid: Grid, monkeypatch: pytest.MonkeyPatch, lacks: bool
) -> None:
    on(monkeypatch, CPUS)
    diary = grid.folder / "diary"
    summary = grid.execute(two_arms(5), FirstPlace(str(diary), lacks=lacks))
    assert (summary.ok, summary.infra, summary.interrupted) == (10, 0, False)
    (line,) = [event.line for event in grid.events if isinstance(event, Remark)]
    why = LACKS if lacks else "leaves the grid: 3 runs in a row were lost, the last by OSError"
    assert why in line
    assert socket.gethostname() in line
    if not lacks:
        assert len((grid.folder / "diary.lost").read_text().splitlines()) == 3


def test_where_every_place_is_broken_runs_stay_open(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, {"CPU": 1.0}, places=1)
    for lacks, why in ((True, rf"^on node \S+: {LACKS}$"), (False, "leaves the grid: 3 runs in")):
        grid.folder = grid.folder / str(lacks)
        grid.folder.mkdir()
        with pytest.raises(BadInput, match=why):
            grid.execute(two_arms(3), FirstPlace(str(grid.folder / "diary"), lacks=lacks))
    assert grid.store.states() == {}
    assert grid.store.claims.running() == set()


def test_other_versions_on_a_node_are_said_once(
    grid: Grid, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, CPUS)
    monkeypatch.setattr(ray_node, "versions", lambda: {"python": "3", "torch": "1.0"})
    grid.run([1, 2, 3])
    (line,) = [event.line for event in grid.events if isinstance(event, Remark)]
    assert "has other versions than this machine: python 3 for" in line
    assert "torch 1.0 for" in line


def test_a_work_that_cannot_be_sent_is_refused(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, CPUS)
    with pytest.raises(BadInput, match="cannot be sent to other machines"):
        execute(runs([1]), grid.store, Order(Stub(), 1, engine="ray"))


def test_what_ray_says_of_a_program_is_no_lost_node(monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, CPUS)
    assert ray_cluster.lost(fake_ray.RayError("The node was terminated"))
    assert not ray_cluster.lost(fake_ray.RayTaskError("OSError"))
    text = "an error raised in its creation task\n  ModuleNotFoundError: No module named 'runner'\n"
    assert not ray_cluster.lost(fake_ray.RayError(text))
    assert ray_cluster.last_line(fake_ray.RayError(text)).endswith("No module named 'runner'")

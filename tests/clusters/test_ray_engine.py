"""The engine `ray` without a cluster: its messages, and the files it sends and receives."""

from __future__ import annotations

import socket
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_ray
import numpy as np
import pytest
from pausing_training import EPOCHS
from PIL import Image
from sent_training import EXITS, LACKS, FirstPlace, Travels
from stub_training import Stub, runs, two_arms

import tricks_bench as tb
from runner.cli import call
from runner.execution.engines import ray_cluster, ray_node, ray_workers
from runner.execution.engines.ray_cluster import Asked, Cluster, connected
from runner.execution.events import Event, Remark, Retry
from runner.execution.executor import execute
from runner.execution.limits import Limits
from runner.execution.order import Order
from runner.execution.work import Room
from runner.launch import options as options_of_a_run
from runner.launch.executing import work_of
from runner.launch.listener import Silent
from runner.launch.on_ray import on_ray
from runner.launch.options import Options
from runner.launch.preparing import limits
from runner.launch.todo import todo
from runner.planning import probe_run
from runner.records.run import Run
from runner.records.store import Store
from runner.tasks.parcel import Parcel
from runner.tasks.recipe_run import RecipeRun
from tricks.errors import BadInput

CPUS = {"CPU": 2.0}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The engine asks no cluster about nodes, and scratch folders belong to the test."""
    monkeypatch.setattr(ray_node.Node, "_room", lambda self: Room("cpu", 1, 1))
    monkeypatch.setattr(ray_workers, "TICK", 0.1)
    monkeypatch.setattr(ray_node, "WAIT", 0.1)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))


def on(monkeypatch: pytest.MonkeyPatch, *told: Any, **more: Any) -> Any:
    """Replaces Ray by the fake."""
    fake = fake_ray.module(*told, **more)
    monkeypatch.setitem(sys.modules, "ray", fake)
    return fake


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


def images(count: int = 12) -> list[tuple[Image.Image, int]]:
    draw = np.random.default_rng(0)
    made = (draw.integers(0, 255, (8, 8, 3), dtype=np.uint8) for _ in range(count))
    return [(Image.fromarray(pixels), number % 2) for number, pixels in enumerate(made)]


def test_images_that_python_gave_are_sent_and_others_are_named_by_their_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "driver"))
    task = tb.Task.from_datasets(images(), name="speckles")
    plugin = tmp_path / "mine.py"
    plugin.write_text("NUMBER = 1\n")
    parcel = Parcel.of("speckles", (str(plugin),))
    here = task.identity(None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "node"))
    sent = RecipeRun("speckles", plugins=(str(plugin),)).sent()
    assert sent.parcel.images is None, "nothing is known of it there"
    (placed,) = parcel.unpacked(tmp_path / "root")
    assert Path(placed).read_text() == "NUMBER = 1\n"
    from runner.tasks.registry import find

    assert find("speckles").identity(None) == here
    parcel.unpacked(tmp_path / "root")  # a second worker of the node
    monkeypatch.chdir(tmp_path)
    assert Parcel.of("folder:images", ()).task == f"folder:{tmp_path}/images"
    assert Parcel.of("csv:a.csv#kind", ()).task == f"csv:{tmp_path}/a.csv#kind"
    assert Parcel.of("hf:cifar10", ()) == Parcel("hf:cifar10")


def test_a_node_gives_its_caches_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number, (image, label) in enumerate(images(6)):
        place = tmp_path / "images" / str(label) / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        image.save(place)
    task, caches = f"folder:{tmp_path}/images", ((8, "/of the driver"),)
    study = tb.study(task=task, tricks=["cosine"])
    for given, built in ((None, 1), (0.0, 0), (1.0, 1)):
        options = Options(tmp_path, 1, cache_gb=given)
        work = replace(work_of(study, [], options), caches=caches)
        there = work.sent().unpacked(tmp_path / "root", Room("cpu", 1, 1))
        assert len(there.caches) == built
        assert len(work.here(1, lambda line: None).caches) == built


def test_what_needs_a_gpu_is_refused_by_what_the_nodes_have(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a machine without a GPU, whose cluster has some or none."""
    monkeypatch.setattr(options_of_a_run, "on_gpu", lambda device: False)
    monkeypatch.setattr(probe_run, "check_networks", lambda specs, work: [])
    monkeypatch.setattr(probe_run, "network_bytes", lambda specs, work: 1 << 20)
    study = tb.study(tricks=["tf32"], settings={"epochs": 1})
    wanted = todo(study, None)
    for gpus, alike in ((1.0, False), (0.0, True)):
        on(monkeypatch, {"CPU": 2.0, "GPU": gpus})
        options = on_ray(Options(tmp_path, 1), None, None, None)
        assert (options.on_gpu, options.alike, options.workers) == (gpus > 0, alike, 1 + alike)
        work = work_of(study, wanted.specs, options)
        if options.on_gpu:  # steps are not measured here: they would say nothing of the nodes
            assert limits(study, wanted, None, work, options, Silent()).run == 0.0
        else:
            with pytest.raises(BadInput, match="tf32 is for NVIDIA's GPUs"):
                limits(study, wanted, None, work, options, Silent())

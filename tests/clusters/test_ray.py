"""The engine `ray` on a cluster of three nodes that come and go, all on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from grid_on_ray import Grid
from pausing_training import EPOCHS, FAILS
from sent_training import EXITS, Travels
from stub_training import runs

import tricks_bench as tb
from runner.execution.events import Epoch, Event, Finished, PausedRun, Retry, Started
from runner.execution.executor import execute
from runner.execution.limits import Limits
from runner.execution.order import Order
from runner.images import written
from runner.launch.kinds import kind_of
from runner.launch.listener import Silent
from runner.launch.options import Options
from runner.launch.todo import todo
from runner.records.run import Run
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from tricks.errors import BadInput

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster

MISSING = importlib.util.find_spec("ray") is None and "CI" not in os.environ
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(MISSING, reason="ray is not installed"),
]
WHOLE = list(range(1, EPOCHS + 1))
SAME = (
    "id", "data", "recipe", "seed", "state", "epochs", "test_accuracy", "test_loss", "val_accuracy",
    "metrics", "correct", "weights_sha256", "predictions_sha256",
)  # fmt: skip


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    from three_nodes import nodes

    with nodes() as cluster:
        yield cluster


@pytest.fixture
def cluster(started: Cluster) -> Cluster:
    """With three nodes beside the head."""
    from three_nodes import add

    for _ in range(len(started.worker_nodes), 3):
        add(started)
    return started


@pytest.fixture
def grid(tmp_path: Path, cluster: Cluster) -> Grid:
    return Grid(tmp_path, cluster)


def test_each_run_is_done_once_on_some_node_and_its_files_come_back(grid: Grid) -> None:
    seeds = [1, 2, 3, 4, FAILS, EXITS]
    summary = grid.run(seeds)
    assert (summary.ok, summary.failed, summary.infra) == (4, 2, 0)
    assert Counter(event.id for event in grid.of(Finished)) == {run.id: 1 for run in runs(seeds)}
    for run in runs([1, 2, 3, 4]):
        assert grid.epochs(run.seed) == WHOLE
        model = grid.store.root / "models" / f"{run.id}.safetensors"
        assert model.read_text() == f"weights of {run.seed}"
    failed, left = map(grid.record, runs([FAILS, EXITS]))
    assert failed["error"]["message"] == "the loss has no meaning"
    assert left["error"]["type"] == "ProcessExit", "as on this machine"
    log = grid.store.root / "attempts" / left["id"][:2] / left["id"] / "1" / "log.txt"
    assert f"training {left['id']}" in log.read_text(), "it came with the run"
    assert not (grid.store.root / "attempts" / runs([1])[0].id[:2] / runs([1])[0].id).exists()
    assert grid.store.claims.running() == set()
    assert grid.run(seeds).skipped == 6


def test_runs_of_a_node_that_is_lost_go_on_from_their_checkpoints_elsewhere(grid: Grid) -> None:
    grid.lose_at = 4
    summary = grid.run([1, 2, 3, 4], seconds=0.5)
    assert (summary.ok, summary.infra, summary.interrupted) == (4, 0, False)
    lost = [event.id for event in grid.of(Retry)]
    assert len(lost) == 1
    assert grid.of(Retry)[0].error.type == "Lost"
    for run in runs([1, 2, 3, 4]):
        trained = grid.epochs(run.seed)
        assert sorted(set(trained)) == WHOLE
        again = len(trained) - EPOCHS
        assert again <= (2 if run.id in lost else 0), "no more than since the last checkpoint"
        assert grid.record(run)["resumed"] == (run.id in lost)
    assert len(grid.of(Finished)) == 4


def test_asked_to_stop_runs_leave_and_go_on_wherever_there_is_room(grid: Grid) -> None:
    grid.stop_at = 2
    summary = grid.run([1, 2, 3, 4], seconds=0.5)
    assert (summary.ok, summary.paused, summary.interrupted) == (0, 3, True)
    assert len(grid.of(PausedRun)) == 3
    assert grid.store.claims.running() == set()
    assert grid.run([1, 2, 3, 4]).ok == 4
    assert [grid.epochs(seed) for seed in (1, 2, 3, 4)] == [WHOLE] * 4


def test_asked_twice_it_leaves_at_once(grid: Grid) -> None:
    def twice(event: Event) -> None:
        if isinstance(event, Epoch) and not grid.events:
            grid.events.append(event)
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    grid.see = twice  # type: ignore[method-assign]
    summary = grid.run([1, 2, 3], seconds=5.0)
    assert (summary.ok, summary.paused, summary.interrupted) == (0, 0, True)
    assert grid.store.claims.running() == set()
    time.sleep(6)
    assert max(len(grid.epochs(seed)) for seed in (1, 2, 3)) <= 3, "nor do they go on there"


def test_a_training_that_is_silent_is_ended_and_tried_again(grid: Grid) -> None:
    options = {"address": grid.cluster.address, "device": "cpu"}
    work = Travels(str(grid.diary), seconds=3600.0)
    order = Order(work, 1, retries=0, limits=Limits(5.0), engine="ray", engine_options=options)
    assert execute(runs([1]), grid.store, order, grid.see).infra == 1
    assert grid.record(runs([1])[0])["error"]["type"] == "Hung"
    assert grid.store.claims.running() == set()


def planned(task: str, **settings: Any) -> list[Run]:
    """The runs of a small study."""
    study = tb.study(task=task, tricks=["cosine"], grid="add-one", seeds=2, settings=settings)
    return [spec.run() for _, spec in study.planned()]


def test_a_grid_has_the_bits_of_one_machine_though_a_node_is_lost(
    grid: Grid, tmp_path: Path
) -> None:
    asked = planned("digits", epochs=3, train_images=128)
    assert len(asked) == 4
    grid.lose_at = 2
    assert grid.execute(asked, RecipeRun("digits", device="cpu")).ok == 4
    assert len(grid.of(Retry)) == 1
    alone = Store(tmp_path / "alone")
    assert execute(asked, alone, Order(RecipeRun("digits", device="cpu"), 1)).ok == 4
    for run in asked:
        here, there = alone.read(run.id) or {}, grid.record(run)
        assert {name: there[name] for name in SAME} == {name: here[name] for name in SAME}
        found = grid.store.record(run.id)
        assert found is not None
        assert grid.store.predictions(found) is not None
    assert len(grid.of(Started)) == 5


def test_images_that_are_not_on_a_node_are_one_line(grid: Grid, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    folder = tmp_path / "images"
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for number in range(8):
            draw = np.random.default_rng(number).integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(draw).save(folder / label / f"{number}.png")
    asked = planned(f"folder:{folder}", epochs=1)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(BadInput, match=rf"^on node \S+: .*{folder}"):
        grid.execute(asked, RecipeRun(f"folder:{folder}", device="cpu"))
    assert grid.store.states() == {}
    assert grid.store.claims.running() == set()


def trained(study: Any, folder: Path, cluster: Cluster) -> Any:
    """`tb.run` on the cluster, into a store in `folder`."""
    where: Any = {"engine": "ray", "address": cluster.address, "device": "cpu"}
    return tb.run(study, folder, workers=2, quiet=True, **where)


SCRIPT = """
import pathlib, sys, time
diary, out, resume, *words = sys.argv[1:]
last = pathlib.Path(out, "last")
done = int(last.read_text()) if resume == "true" else 0
for step in range(done + 1, 7):
    last.write_text(str(step))
    with open(diary, "a") as file:
        file.write(f"{' '.join(words)}: {step}\\n")
    print("step", step, flush=True)
    time.sleep(0.4)
print("top1:", 90 + len(words))
"""


def test_a_script_that_was_asked_to_leave_goes_on_on_whichever_node(
    grid: Grid, cluster: Cluster, tmp_path: Path
) -> None:
    home, diary = tmp_path / "home", tmp_path / "diary"
    home.mkdir()
    (home / "train.py").write_text(SCRIPT)
    run = f"{sys.executable} -S {home}/train.py {diary} {{out}} {{resume}} {{seed}} {{arguments}}"
    script = {"run": run, "inputs": [f"{home}/train.py"],
              "metrics": {"top1": {"pattern": "top1: ([0-9.]+)"}}}  # fmt: skip
    study, more = (
        tb.study(script=script, levels={"mixup": {"on": "--mixup"}}, seeds=seeds, name="own")
        for seeds in (2, 3)
    )

    def ask() -> None:
        while not (diary.exists() and len(diary.read_text().splitlines()) > 3):
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    asking = threading.Thread(target=ask)
    asking.start()
    assert trained(study, tmp_path / "results", cluster).outcome.ended == "interrupted"
    asking.join()
    found = trained(study, tmp_path / "results", cluster)
    assert sorted(found.runs["accuracy"]) == [91.0, 91.0, 92.0, 92.0]
    steps = Counter(diary.read_text().splitlines())
    assert len(steps) == 4 * 6
    assert set(steps.values()) == {1}, "it goes on from what it had written"
    prepared = kind_of(more).prepared(todo(more, None), None, Options(tmp_path, 1), Silent())
    assert prepared is not None
    shutil.move(home, tmp_path / "elsewhere")
    with pytest.raises(BadInput, match=rf"^on node \S+: .*{home}"):
        grid.execute([spec.run() for _, spec in more.planned()], prepared.work(grid.store))


def test_images_that_python_gave_are_sent_once_and_give_the_same_bits(
    cluster: Cluster, tmp_path: Path
) -> None:
    import numpy as np
    from PIL import Image
    from three_nodes import CACHES

    draw = np.random.default_rng(0)
    pixels = (draw.integers(0, 255, (8, 8, 3), dtype=np.uint8) for _ in range(60))
    images = [(Image.fromarray(one), number % 2) for number, one in enumerate(pixels)]
    task = tb.Task.from_datasets(images, name="speckles")
    small = {"start": "scratch", "model": "conv-net-5", "width": 0.05, "resolution": 8}
    settings = {**small, "epochs": 1, "batch_size": 8}
    study = tb.study(task=task, tricks=["cosine"], seeds=1, settings=settings)
    trained(study, tmp_path / "there", cluster)
    tb.run(study, tmp_path / "alone", workers=1, device="cpu", quiet=True)
    there, alone = Store(tmp_path / "there"), Store(tmp_path / "alone")
    assert len(alone.ids()) == 2
    for id in alone.ids():
        one, other = alone.read(id) or {}, there.read(id) or {}
        assert {name: one[name] for name in SAME} == {name: other[name] for name in SAME}
    name = Path(written.remembered("speckles") or "").parent.name
    assert len(list(CACHES.glob(f"*/**/{name}"))) == 2, "a copy on each node that trained"

"""Grids in jobs of a real SLURM, and faults of these jobs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import slurm
from digits_training import Digits, specs
from injected.runners import until
from moved import DIARY, Long, OnGpus, Quick, Slow
from PIL import Image
from stub_training import runs

import tricks_bench as tb
from runner.execution.clusters.jobs import Jobs
from runner.execution.clusters.submission import Submission, submissions, workers
from runner.execution.events import Epoch, Event, Finished, Remark, Retry, Summary
from runner.execution.executor import execute
from runner.execution.limits import Limits
from runner.execution.order import Order
from runner.execution.work import Movable
from runner.records.run import Run
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from tricks.errors import BadInput

pytestmark = pytest.mark.slow
EPOCHS = 10


def carried_out(
    work: Movable,
    wanted: list[Run],
    store: Store,
    jobs: Jobs,
    tell: Callable[[Event], None] = lambda event: None,
) -> Summary:
    limits = Limits(checkpoint=0.1)
    return execute(wanted, store, Order(work, 2, engine="slurm", jobs=jobs, limits=limits), tell)


def said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_grid_over_two_nodes_is_done_once_each(cluster: dict[str, str], tmp_path: Path) -> None:
    store, places, events = Store(tmp_path / "results"), tmp_path / "places", list[Event]()
    work = Quick(0.3, places=str(places))
    wanted = runs([*range(10), 90001, 90006])
    summary = carried_out(work, wanted, store, Jobs("grid", 4, {"time": "5"}), events.append)
    assert (summary.ok, summary.failed, summary.diverged) == (10, 1, 1)
    lines = [line.split() for line in places.read_text().splitlines()]
    assert sorted(id for id, *_ in lines) == sorted(run.id for run in wanted)
    assert {node for _, node, *_ in lines} == {"n1", "n2"}
    assert sum(isinstance(event, Finished) for event in events) == 12
    [one] = submissions(store)
    folder = one.folder(store.root)  # a job says its end after the last record
    assert until(lambda: all(worker.fate for worker in workers(folder).values()))
    told = workers(folder)
    assert one.jobs == len(told) == 4
    assert sum(worker.runs for worker in told.values()) == 12
    assert {worker.fate for worker in told.values()} <= {"done", "others"}


def test_each_worker_of_a_job_sees_one_gpu(cluster: dict[str, str], tmp_path: Path) -> None:
    store, places = Store(tmp_path / "results"), tmp_path / "places"
    work = OnGpus(1.0, places=str(places), device="cpu")
    jobs = Jobs("gpus", 2, {"time": "5", "gres": "gpu:2"}, workers=2)
    assert carried_out(work, runs(range(8)), store, jobs).ok == 8
    seen = {tuple(line.split()[1::2]) for line in places.read_text().splitlines()}
    assert seen == {(node, gpu) for node in ("n1", "n2") for gpu in "01"}


def test_an_array_larger_than_the_limit_is_capped(cluster: dict[str, str], tmp_path: Path) -> None:
    store, events = Store(tmp_path / "results"), list[Event]()
    wanted = runs(range(slurm.MOST_JOBS + 3))
    summary = carried_out(Quick(), wanted, store, Jobs("many", 40, {"time": "5"}), events.append)
    assert summary.ok == len(wanted)
    lines = [event.line for event in events if isinstance(event, Remark)]
    assert f"--jobs 40: an array may have {slurm.MOST_JOBS} jobs here (MaxArraySize)" in lines
    assert [one.jobs for one in submissions(store)] == [slurm.MOST_JOBS]


def test_cancelled_in_the_middle_runs_go_on_from_their_checkpoints(
    cluster: dict[str, str], tmp_path: Path
) -> None:
    store, diary = Store(tmp_path / "results"), tmp_path / "diary"
    work, jobs = Long(str(diary), 0.5), Jobs("cancelled", 2, {"time": "5"}, workers=1)

    def cancel(event: Event) -> None:
        if isinstance(event, Epoch):
            said("scancel", submissions(store)[0].job)

    with pytest.raises(BadInput, match=r"ended with 2 runs missing .*the same command continues"):
        carried_out(work, runs([0, 1]), store, jobs, cancel)
    [one] = submissions(store)
    assert {w.fate for w in workers(one.folder(store.root)).values()} == {"cancelled"}
    assert carried_out(work, runs([0, 1]), store, jobs).ok == 2
    counts = Counter(diary.read_text().splitlines())
    assert counts == {f"{seed} {epoch}": 1 for seed in (0, 1) for epoch in range(1, EPOCHS + 1)}


def test_the_runs_of_a_node_that_goes_down_go_on_elsewhere(
    cluster: dict[str, str], tmp_path: Path
) -> None:
    store, diary, events = Store(tmp_path / "results"), tmp_path / "diary", list[Event]()
    jobs, down = Jobs("down", 2, {"time": "5", "cpus-per-task": "2"}, workers=1), list[str]()

    def tell(event: Event) -> None:
        events.append(event)
        if isinstance(event, Epoch) and not down:
            down.append("n1")
            lose_node(cluster, "n1")

    try:
        summary = carried_out(Long(str(diary), 0.5), runs(range(4)), store, jobs, tell)
    finally:
        slurm.node(cluster, "n1")
        said("scontrol", "update", "nodename=n1", "state=resume")
    assert down
    assert summary.ok == 4
    counts = Counter(diary.read_text().splitlines())
    assert len(counts) == 4 * EPOCHS
    assert sum(counts.values()) <= 4 * EPOCHS + 1  # the epoch that the lost run was in
    assert not [event for event in events if isinstance(event, Retry)]


def lose_node(cluster: dict[str, str], name: str) -> None:
    """Kill all processes of a node at once, as in a power cut."""
    os.kill(slurm.pid_of(cluster, name), signal.SIGKILL)
    here = [f"SLURMD_NODENAME={name}", f"SLURM_CONF={cluster['SLURM_CONF']}"]
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            held = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
            if all(variable in held for variable in here):
                os.kill(int(folder.name), signal.SIGKILL)
    said("scontrol", "update", f"nodename={name}", "state=down", "reason=test")


@pytest.mark.timeout(600)
def test_a_job_whose_time_is_over_is_requeued_and_goes_on(
    cluster: dict[str, str], tmp_path: Path
) -> None:
    # SLURM looks for jobs to warn every 30 seconds and warns up to 30 seconds early: here between
    # second 20 and second 50. A job that was warned before its first epoch ended is not requeued,
    # as meant: on a busy machine a second try may be needed.
    made = list[Submission]()
    for number in range(3):
        store, diary = Store(tmp_path / f"results{number}"), tmp_path / f"diary{number}"
        jobs = Jobs("time", 1, {"time": "2", "signal": "70"}, workers=1)
        try:
            assert carried_out(Long(str(diary), 5.5), runs([0]), store, jobs).ok == 1
        except BadInput as error:
            if "no run made progress" not in str(error):
                raise
            continue
        made = submissions(store)
        if len(made) == 1:
            break
    [one] = made
    folder = one.folder(store.root)
    assert until(lambda: workers(folder)[0].fate == "done")
    told = workers(folder)[0]
    assert (told.fate, one.jobs) == ("done", 1)
    assert told.times >= 2
    assert diary.read_text().splitlines() == [f"0 {epoch}" for epoch in range(1, EPOCHS + 1)]
    assert (store.read(runs([0])[0].id) or {})["resumed"] == told.times - 1


@pytest.mark.timeout(600)  # torch is imported three times over
def test_a_training_that_was_requeued_has_the_same_bits(
    cluster: dict[str, str], tmp_path: Path
) -> None:
    [run] = [spec.run() for spec in specs(range(1))]
    alone, store = Store(tmp_path / "alone"), Store(tmp_path / "results")
    assert execute([run], alone, Order(Digits("digits", device="cpu"), 1)).ok == 1
    warned = list[float]()

    def warn(event: Event) -> None:
        if isinstance(event, Epoch) and not warned:
            warned.append(time.monotonic())
            said("scancel", "--signal=USR2", submissions(store)[0].job)

    jobs = Jobs("bits", 1, {"time": "30"}, workers=1)
    assert carried_out(Slow("digits", device="cpu"), [run], store, jobs, warn).ok == 1
    assert warned
    [one] = submissions(store)
    assert [w.times for w in workers(one.folder(store.root)).values()] == [2]
    records = [found.read(run.id) or {} for found in (alone, store)]
    assert records[1]["resumed"] == 1
    for key in ("test_accuracy", "test_loss", "correct", "weights_sha256"):
        assert records[0][key] == records[1][key]


def jpegs(folder: Path, count: int = 12) -> list[str]:
    """So many images of each of two classes; their names."""
    draw, names = np.random.default_rng(0), list[str]()
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            pixels = draw.integers(0, 255, (12, 16, 3), dtype=np.uint8)
            names.append(f"{label}{number}.jpg")
            Image.fromarray(pixels).save(folder / label / names[-1], quality=95)
    return names


SMALL = {
    "start": "scratch", "model": "conv-net-5", "width": 0.05, "resolution": 8, "epochs": 3,
    "batch_size": 4,
}  # fmt: skip


@pytest.mark.timeout(900)  # torch is imported in five processes
def test_images_are_decoded_once_a_node_and_a_preempted_job_changes_no_bit(
    cluster: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three jobs on two nodes that cannot read the cache of who submits; one of them gives way."""
    names, diary = jpegs(tmp_path / "images"), tmp_path / "diary"
    task = f"folder:{tmp_path}/images"
    study = tb.study(task=task, tricks=["cosine"], seeds=2, settings=SMALL)
    wanted = [spec.run() for _, spec in study.planned()]
    alone, store = Store(tmp_path / "alone"), Store(tmp_path / "results")
    assert execute(wanted, alone, Order(RecipeRun(task, device="cpu"), 2)).ok == 4
    monkeypatch.setenv(DIARY, str(diary))
    diary.touch()
    preempted = list[str]()

    def told(node: str, what: str) -> list[str]:
        lines = (line.split() for line in diary.read_text().splitlines())
        return [name for where, did, name in lines if (where, did) == (node, what)]

    def preempt(event: Event) -> None:
        if isinstance(event, Epoch) and told("n2", "trained") and not preempted:
            preempted.append(told("n2", "trained")[0])
            urgent = ("--partition=urgent", "--nodelist=n2", "--exclusive", "--output=/dev/null")
            said("sbatch", *urgent, "--wrap", "sleep 2")

    work = Slow(task, device="cpu", caches=((study.baseline.stored_side, "/on another disk"),))
    jobs = Jobs("images", 3, {"time": "30"}, workers=1)
    summary = carried_out(work, wanted, store, jobs, preempt)
    assert (summary.ok, summary.infra) == (4, 0)
    for node in ("n1", "n2"):
        assert sorted(told(node, "decoded")) == sorted(names), "each of them once"
    [one] = submissions(store)
    found = workers(one.folder(store.root)).values()
    for worker in found:
        assert any(f"/tmp.{worker.host}/tricks-bench-" in line for line in worker.notes)
    assert sum(worker.times for worker in found) > 3
    assert (store.read(preempted[0]) or {})["resumed"] == 1
    for run in wanted:
        here, there = alone.read(run.id) or {}, store.read(run.id) or {}
        for key in ("test_accuracy", "test_loss", "correct", "weights_sha256"):
            assert here[key] == there[key]

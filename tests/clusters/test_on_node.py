"""The code of a job, without a cluster: its versions, data, time, and its share of the runs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from moved import Quick
from stub_training import runs

from runner.execution.clusters import on_node, submission
from runner.execution.clusters.jobs import Jobs
from runner.execution.clusters.on_node import Job
from runner.execution.clusters.open_runs import turned, unrecorded
from runner.execution.order import Order
from runner.records.store import Store
from tricks.errors import BadInput


def job(store: Store, work: Quick, count: int = 1, strict: bool = False) -> Job:
    """A job of a made-up submission with the runs 0 to 3."""
    order = Order(work, 1, jobs=Jobs("own", count, {}, workers=1, strict=strict))
    found = Job(str(store.root), "made", order, {"python": "2.7"})
    folder = store.root / submission.FOLDER / "made"
    folder.mkdir(parents=True)
    submission.keep_runs(folder, runs(range(4)))
    return found


def test_other_versions_are_said_and_refused_where_it_is_strict(tmp_path: Path) -> None:
    for strict, fate in ((False, "done"), (True, "mistake")):
        store = Store(tmp_path / str(strict))
        made = job(store, Quick(), strict=strict)
        assert made(0) == fate
        worker = submission.workers(store.root / submission.FOLDER / "made")[0]
        said = worker.message if strict else worker.notes[0]
        assert "other versions: python 3." in said
        assert "2.7 on the machine that submitted" in said
        assert len(store.ids()) == (0 if strict else 4)


def test_data_that_is_not_on_the_node_is_a_mistake_before_any_claim(tmp_path: Path) -> None:
    class Away(Quick):
        def here(self, workers, say):  # type: ignore[no-untyped-def]
            raise BadInput("/data: missing or not readable on n1")

    store = Store(tmp_path)
    assert job(store, Away(diary=str(tmp_path / "diary")))(0) == "mistake"
    assert not (tmp_path / "diary").exists()
    worker = submission.workers(store.root / submission.FOLDER / "made")[0]
    assert worker.message == "/data: missing or not readable on n1"


def test_a_job_takes_its_time_from_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worked = on_node.Worked(job(Store(tmp_path), Quick()), 0)
    monkeypatch.setenv(on_node.ENDS, str(int(time.time()) + 1000))
    assert worked._seconds() == pytest.approx(1000 - 120, abs=3)
    monkeypatch.setenv(on_node.ENDS, str(int(time.time()) + 100))
    assert worked._seconds() == pytest.approx(25, abs=3)


def test_each_worker_begins_elsewhere_and_leaves_out_what_is_recorded(tmp_path: Path) -> None:
    store, wanted = Store(tmp_path), runs(range(6))
    lines = [submission.line_of(run) for run in wanted]
    assert turned(lines, 1, 3)[0] is lines[2]
    store.commit({"id": wanted[0].id, **wanted[0].payload, "state": "infra"})
    since = store.path(wanted[0].id).stat().st_mtime_ns
    store.commit({"id": wanted[1].id, **wanted[1].payload, "state": "infra"})
    os.utime(store.path(wanted[1].id), ns=(since + 10**9, since + 10**9))
    assert [run.seed for run in unrecorded(lines, store, since)] == [0, 2, 3, 4, 5]

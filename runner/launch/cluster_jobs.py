"""The jobs of a study on a cluster: their states, and how to cancel them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.execution.clusters import queue
from runner.execution.clusters.submission import Submission, Worker, keep, submissions, workers
from runner.execution.clusters.submitting import active

if TYPE_CHECKING:
    from runner.records.store import Store


@dataclass(frozen=True)
class StudyJobs:
    """One submission and its state. workers: workers that have reported.

    states: state -> number of jobs, as workers report or, without a report, as the queue says.
    hosts: hosts of running jobs.
    """

    submission: Submission
    workers: tuple[Worker, ...]
    states: dict[str, int]
    hosts: tuple[str, ...]


def cancel_jobs(store: Store, study: str) -> list[Submission]:
    """Cancel waiting and running jobs of a study. Returns their submissions. Raises BadInput."""
    found = active(submissions(store, study))
    queue.cancel([one.job for one in found])
    for one in found:
        keep(store.root, replace(one, cancelled=time.time()))
    return found


def study_jobs(store: Store, study: str) -> list[StudyJobs]:
    """The submissions of a study, the oldest first.

    Reports in the store come first. The queue, if it answers, gives the state of jobs without a
    report.
    """
    found = submissions(store, study)
    tasks = (
        queue.tasks(one.job for one in found if one.job) if found and not queue.lacking() else ()
    )
    by_queue = {(task.job, task.number): task for task in tasks or ()}
    told = []
    for one in found:
        said = workers(one.folder(store.root))
        states: dict[str, int] = {}
        hosts = set()
        for number in range(one.jobs):
            worker, task = said.get(number), by_queue.get((one.job, number))
            state = _state(worker, task)
            states[state] = states.get(state, 0) + 1
            if state == "running" and worker is not None:
                hosts.add(worker.host)
        some = tuple(said[number] for number in sorted(said))
        told.append(StudyJobs(one, some, states, tuple(sorted(hosts))))
    return told


def _state(worker: Worker | None, task: queue.Task | None) -> str:
    """done, requeued, …: as the worker reports, else as the queue says, else as far as known."""
    if worker is not None and worker.fate not in (None, "requeued"):
        return str(worker.fate)
    if task is not None:
        return task.state.lower().replace("_", " ")
    if worker is None:
        return "unknown"
    return worker.fate or "running"

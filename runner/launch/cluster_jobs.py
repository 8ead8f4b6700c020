"""The jobs of a study on a cluster: what they are at, and their end."""

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
    """One submission as it stands. workers: those that have said something of themselves.

    states: state -> jobs, by their own words and, of those that said nothing, by the queue. hosts:
    on which jobs are at work.
    """

    submission: Submission
    workers: tuple[Worker, ...]
    states: dict[str, int]
    hosts: tuple[str, ...]


def cancel_jobs(store: Store, study: str) -> list[Submission]:
    """Cancel the jobs of a study that wait or run; those submissions. Raises BadInput."""
    found = active(submissions(store, study))
    queue.cancel([one.job for one in found])
    for one in found:
        keep(store.root, replace(one, cancelled=time.time()))
    return found


def study_jobs(store: Store, study: str) -> list[StudyJobs]:
    """The submissions of a study, the oldest first.

    The store's record is the truth; the queue, where it answers, tells of jobs that said nothing.
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
    """done, requeued, …: what it says itself. Else what the queue says, or as far as is known."""
    if worker is not None and worker.fate not in (None, "requeued"):
        return str(worker.fate)
    if task is not None:
        return task.state.lower().replace("_", " ")
    if worker is None:
        return "unknown"
    return worker.fate or "running"

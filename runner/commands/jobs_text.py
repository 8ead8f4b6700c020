"""The jobs of a study on a cluster, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import to_builtins

from runner.records.json_values import JsonValue
from runner.text import counted, printable

if TYPE_CHECKING:
    from runner.execution.clusters.submission import Submission
    from runner.launch.cluster_jobs import StudyJobs

HOSTS = 8  # the most that a line names


def jobs_lines(found: Sequence[StudyJobs]) -> Iterator[str]:
    """One line for each submission, and one for each error of its jobs."""
    for one in found:
        said = one.submission
        states = ", ".join(f"{count:,} {state}" for state, count in one.states.items())
        at = f" on {', '.join(one.hosts[:HOSTS])}" if one.hosts else ""
        ends = " (cancelled)" if said.cancelled is not None else ""
        yield printable(
            f"job {said.job or 'without an id'} ({said.engine}, {counted(said.jobs, 'worker')} for "
            f"{counted(said.runs, 'run')}){ends}: {states}{at}"
        )
        for message in dict.fromkeys(w.message for w in one.workers if w.message):
            yield printable(f"  {message}")


def jobs_json(one: StudyJobs) -> Mapping[str, JsonValue]:
    """The jobs of a submission as JSON values; times as ISO 8601."""
    said = one.submission
    return {
        "job": said.job,
        "engine": said.engine,
        "jobs": said.jobs,
        "runs": said.runs,
        "recorded": sum(worker.runs for worker in one.workers),
        "submitted": _iso(said.submitted),
        "cancelled": None if said.cancelled is None else _iso(said.cancelled),
        "parameters": said.parameters,
        "states": one.states,
        "hosts": list(one.hosts),
        "workers": [
            {
                **to_builtins(worker),
                "began": _iso(worker.began),
                "ended": None if worker.ended is None else _iso(worker.ended),
            }
            for worker in one.workers
        ],
    }


def cancelled_json(one: Submission) -> Mapping[str, JsonValue]:
    """A cancelled submission as JSON values."""
    return {"job": one.job, "engine": one.engine, "jobs": one.jobs}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

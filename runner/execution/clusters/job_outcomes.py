"""The outcome of jobs that have ended while runs are missing, for the user and for records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.execution.clusters.queue import Task
from runner.execution.clusters.submission import Submission, Worker, log_of, workers
from runner.records.crash_logs import tail
from runner.records.record_schema import Error
from runner.records.store import Store
from runner.text import counted

TAIL = 2_000  # bytes of a log that go into each record
STUCK = (
    "no run made progress during a whole job: give jobs more time (--slurm time=…), or let "
    "runs write checkpoints more often (--checkpoint-minutes)"
)


@dataclass(frozen=True)
class JobsOutcome:
    """line: the outcome of the jobs. lasting: it would happen again, so the runs get no record.

    error: for a run that is retried or recorded as lost. broken: nodes that jobs have left.
    """

    line: str
    lasting: bool
    error: Error
    broken: frozenset[str] = frozenset()


def outcome_of_jobs(
    store: Store, gone: Sequence[Submission], tasks: Iterable[Task], missing: int
) -> JobsOutcome:
    """The outcome of the jobs of `gone`, which have left `missing` runs.

    From each job's report in the store and, for killed jobs, from the queue.
    """
    by_queue = {(task.job, task.number): task.state for task in tasks}
    counts: Counter[str] = Counter()
    mistakes: list[str] = []
    broken: dict[str, str] = {}  # by node
    last: Path | None = None
    cancelled = False
    for one in gone:
        folder = one.folder(store.root)
        said = workers(folder)
        for number in range(one.jobs):
            worker = said.get(number)
            state = by_queue.get((one.job, number), "")
            counts[_end(worker, state)] += 1
            cancelled |= state == "CANCELLED" or one.cancelled is not None
            if worker is not None and worker.fate == "mistake":
                mistakes.append(worker.message)
            elif worker is not None and worker.fate == "broken":
                broken[worker.host] = worker.message
            elif worker is None or worker.fate is None:
                log = log_of(folder, one.job, number)
                last = log if log.exists() else last
    ids = ", ".join(one.job for one in gone)
    ended = ", ".join(f"{count:,} {how}" for how, count in counts.most_common())
    line = f"job {ids} ended with {counted(missing, 'run')} missing ({ended})"
    printed = tail(last, TAIL)
    if mistakes:
        return JobsOutcome(_one(mistakes), True, Error("Mistake", line))
    if counts["broken"] == counts.total():
        without = f"repair the node, or run again with --slurm exclude={','.join(sorted(broken))}"
        return JobsOutcome(
            f"{line}: {min(broken.values())}; {without}", True, Error("Broken", line)
        )
    if counts.keys() <= {"stuck", "others"} and counts["stuck"]:
        return JobsOutcome(f"{line}: {STUCK}", True, Error("Stuck", line))
    if cancelled:
        return JobsOutcome(f"{line}: the same command continues", True, Error("Cancelled", line))
    if not any(workers(one.folder(store.root)) for one in gone):
        why = printed.strip().splitlines()[-1:] or [f"see {gone[0].folder(store.root)}"]
        return JobsOutcome(
            f"job {ids} could not start: {why[0]}", True, Error("NotBegun", line, printed)
        )
    return JobsOutcome(line, False, Error("JobsEnded", line, printed), frozenset(broken))


def _end(worker: Worker | None, state: str) -> str:
    """How a job ended, from its own report or from the queue."""
    if worker is not None and worker.fate is not None:
        return worker.fate
    how = state.lower().replace("_", " ") or "ended without a word"
    return how if worker is not None else f"{how} before it began"


def _one(mistakes: Sequence[str]) -> str:
    """The most frequent mistake of the jobs."""
    counts = Counter(mistakes)
    text, count = counts.most_common(1)[0]
    return f"{text} (said by {counted(count, 'job')} of {len(mistakes):,})"

"""Submissions in a store: the runs of their jobs, and the report of each job.

jobs/<time>-<digits>/    one submission
  runs.jsonl             its runs, one a line
  submission.json        what was submitted, when, and the job's id once there is one
  worker-<n>.json        what job n of the array says of itself
  <id>_<n>_0_log.out     what it printed; beside it files of submitit
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from runner.records import atomic_write
from runner.records.run import Run
from runner.records.store import Store

FOLDER, INFO, RUNS = "jobs", "submission.json", "runs.jsonl"
# done: nothing was left. others: only runs that other workers are at. left: its time was nearly
# over. requeued: the same, and it was put back into the queue. stuck: in all its time no run got
# further. cancelled: by SIGTERM, from a person or for another job. over: --max-hours. broken: its
# node seems to be, mistake: the user has something to mend; both say what in their message.
Fate = Literal[
    "done", "others", "left", "requeued", "stuck", "cancelled", "over", "broken", "mistake"
]


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """The report of a job of a submission. Times in seconds since the epoch."""

    number: int
    job: str
    host: str
    began: float
    ended: float | None = None
    fate: Fate | None = None
    message: str = ""
    notes: tuple[str, ...] = ()
    runs: int = 0  # that it recorded
    times: int = 1  # that it was begun, once more for each time that it was requeued


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """An array of identical workers. job: its id; "": none yet. runs: number of runs."""

    name: str
    engine: str
    study: str
    jobs: int
    runs: int
    parameters: dict[str, str]
    submitted: float
    host: str
    job: str = ""
    cancelled: float | None = None

    def folder(self, root: Path) -> Path:
        return root / FOLDER / self.name


def new_name() -> str:
    """A unique name for a submission; names sort by time."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def keep(root: Path, submission: Submission) -> None:
    """Write a submission to the store. Raises OSError."""
    atomic_write.replace(submission.folder(root) / INFO, msgspec.json.encode(submission) + b"\n")


def keep_runs(folder: Path, runs: Iterable[Run]) -> None:
    """Write the runs of a submission, all or none. Raises OSError."""
    atomic_write.replace(folder / RUNS, b"\n".join(map(line_of, runs)) + b"\n")


def read_lines(folder: Path) -> list[bytes]:
    """The runs of the submission in `folder`, as lines for `run_of`, since most are never needed.

    Raises OSError.
    """
    return atomic_write.read(folder / RUNS).splitlines()


def line_of(run: Run) -> bytes:
    """A run as one line."""
    return msgspec.json.encode(run)


def run_of(line: bytes) -> Run:
    """The inverse of `line_of`. Raises ValueError."""
    return Run(**json.loads(line))


class _Id(msgspec.Struct, frozen=True):
    id: str


def id_of(line: bytes) -> str:
    """The id of the run in a line. Raises msgspec.DecodeError."""
    return msgspec.json.decode(line, type=_Id).id


def read_ids(folder: Path) -> set[str]:
    """Ids of the runs of the submission in `folder`; none if it cannot be read."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return {id_of(line) for line in read_lines(folder)}
    return set()


def submissions(store: Store, study: str | None = None) -> list[Submission]:
    """The submissions in the store, the oldest first; of one study, or of all."""
    found = []
    for path in (store.root / FOLDER).glob(f"*/{INFO}"):
        with contextlib.suppress(OSError, msgspec.DecodeError):
            one = msgspec.json.decode(atomic_write.read(path), type=Submission)
            if one.name == path.parent.name and study in (None, one.study):
                found.append(one)
    return sorted(found, key=lambda one: one.submitted)  # names are alike within a second


def note(folder: Path, worker: Worker) -> None:
    """Write a job's report. A full disk does not stop the job."""
    with contextlib.suppress(OSError):
        data = msgspec.json.encode(worker) + b"\n"
        atomic_write.replace(folder / f"worker-{worker.number}.json", data, sync=False)


def workers(folder: Path) -> dict[int, Worker]:
    """The reports of a submission's jobs, by number."""
    found = {}
    for path in folder.glob("worker-*.json"):
        with contextlib.suppress(OSError, msgspec.DecodeError):
            one = msgspec.json.decode(atomic_write.read(path), type=Worker)
            found[one.number] = one
    return found


def log_of(folder: Path, job: str, number: int) -> Path:
    """The file with a job's output; submitit gives it this name."""
    own = folder / f"{job}_{number}_0_log.out"
    return own if own.exists() else folder / f"{job}_0_log.out"

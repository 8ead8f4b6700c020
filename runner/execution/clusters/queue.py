"""SLURM's queue: the states of jobs, as far as it still knows them. It is asked seldom."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tricks.errors import BadInput

PROGRAMS = ("sbatch", "squeue", "scancel", "scontrol", "srun")
PATIENCE = 30.0  # seconds for an answer
ENDED = frozenset({
    "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY",
    "PREEMPTED", "REVOKED", "TIMEOUT",
})  # fmt: skip


@dataclass(frozen=True)
class Task:
    """One job of an array. number: its place. node: "" while it waits. reason: why it waits.

    state: in squeue's terms, such as PENDING, RUNNING, COMPLETED, TIMEOUT.
    """

    job: str
    number: int
    state: str
    node: str
    reason: str

    @property
    def ended(self) -> bool:
        return self.state in ENDED


def lacking(patience: float = PATIENCE) -> str:
    """Why SLURM cannot be used from here; "" if it can. patience: seconds for its answer."""
    gone = [name for name in PROGRAMS if shutil.which(name) is None]
    if gone:
        return f"{', '.join(gone)} {'is' if len(gone) == 1 else 'are'} not on the PATH"
    try:
        _said("scontrol", "show", "config", patience=patience)
    except BadInput as error:
        return str(error)
    return ""


def tasks(jobs: Iterable[str]) -> list[Task] | None:
    """The jobs of the arrays `jobs` that the queue knows; it keeps ended jobs for some minutes.

    None: the queue gave no answer, so the states are unknown.
    """
    wanted = set(jobs)
    try:
        text = _said("squeue", "--me", "-h", "-r", "-t", "all", "-o", "%i|%T|%N|%r")
    except BadInput:
        return None
    found = []
    for line in text.splitlines():
        id, _, rest = line.strip().partition("|")
        job, _, number = id.partition("_")
        if job in wanted and rest.count("|") >= 2:
            state, node, reason = rest.split("|", 2)
            found.append(Task(job, int(number or 0), state, node, reason))
    return found


def cancel(jobs: Sequence[str], pending: bool = False) -> None:
    """Cancel the arrays `jobs`, or only their waiting jobs. Raises BadInput."""
    if jobs:
        _said("scancel", *(["--state=PENDING"] if pending else []), *jobs)


def time_left(job: str) -> str:
    """The time left of one job, as squeue writes it; "" if unknown."""
    try:
        return _said("squeue", "-h", "-j", job, "-o", "%L").strip()
    except BadInput:
        return ""


def most_in_an_array() -> int | None:
    """The maximum of jobs in an array here; None if unknown."""
    try:
        match = re.search(r"^MaxArraySize\s*=\s*(\d+)", _said("scontrol", "show", "config"), re.M)
    except BadInput:
        return None
    return int(match[1]) if match else None


def _said(*command: str, patience: float = PATIENCE) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=patience, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"{command[0]} gives no answer within {patience:g} s") from error
    except OSError as error:
        raise BadInput(f"{command[0]} cannot be started: {error.strerror or error}") from error
    if done.returncode:
        raise BadInput(f"{command[0]}: {one_line(done.stderr)}")
    return done.stdout


def one_line(text: str) -> str:
    """The errors of one of SLURM's programs, in one line.

    >>> one_line("sbatch: error: invalid partition specified: gpux\\nsbatch: error: Batch job ...")
    'invalid partition specified: gpux; Batch job ...'
    """
    lines = (re.sub(r"^\w+: (error: |fatal: )?", "", line.strip()) for line in text.splitlines())
    return "; ".join(dict.fromkeys(line for line in lines if line))[:300]

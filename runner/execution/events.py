"""Events while runs are executed, for a display, and the summary of an execution."""

from __future__ import annotations

from dataclasses import dataclass

from runner.execution.work import Figures
from runner.records.record_schema import Error


@dataclass(frozen=True)
class Skipped:
    """Runs that need no training: recorded before, or recorded meanwhile by another process."""

    count: int


@dataclass(frozen=True)
class Started:
    """A run began; `label` names its tricks and seed."""

    id: str
    label: str
    attempt: int
    epochs: int | None = None  # of the whole training


@dataclass(frozen=True)
class Epoch:
    """A run has finished an epoch, with these metrics."""

    id: str
    label: str
    metrics: Figures


@dataclass(frozen=True)
class Finished:
    """A run has its record. error: of a failed run."""

    id: str
    label: str
    state: str
    validation: float | None  # per cent
    seconds: float
    error: Error | None = None


@dataclass(frozen=True)
class PausedRun:
    """A run was asked to stop. It will continue from its checkpoint after `epoch` epochs."""

    id: str
    label: str
    epoch: int


@dataclass(frozen=True)
class Retry:
    """A run was ended by a system failure (killed, out of memory, ...) and will be retried."""

    id: str
    label: str
    attempt: int
    error: Error


@dataclass(frozen=True)
class Waiting:
    """The only runs left are held by other processes."""

    count: int


@dataclass(frozen=True)
class Remark:
    """A line about the machines that carry out runs."""

    line: str


@dataclass(frozen=True)
class Stopping:
    """A request to stop. now: at once; otherwise when the `running` runs are done.

    why: "" if the user asked, otherwise the reason. pausing: long runs stop at a checkpoint.
    """

    running: int
    now: bool
    why: str = ""
    pausing: bool = False


Event = Skipped | Started | Epoch | Finished | PausedRun | Retry | Waiting | Remark | Stopping


@dataclass(frozen=True)
class Summary:
    """The result of an execution: the number of runs by state."""

    ok: int
    diverged: int
    failed: int
    infra: int
    skipped: int  # recorded before, or by another process
    interrupted: bool
    failed_before: int = 0  # skipped runs whose record says failed or infra
    asked_to_stop: bool = False  # even if no run was left
    out_of_time: bool = False  # the time limit has left runs for a later execution
    paused: int = 0  # runs that will continue from their checkpoint
    broken: str = ""  # why the machine seems broken, if the execution has ended for that

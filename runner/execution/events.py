"""What happens while runs are executed, for whoever shows it; and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from runner.execution.work import Figures
from runner.records.record_schema import Error


@dataclass(frozen=True)
class Skipped:
    """Runs that need no training: recorded already, or recorded meanwhile by another runner."""

    count: int


@dataclass(frozen=True)
class Started:
    """A run began; `label` names its tricks and seed."""

    id: str
    label: str
    attempt: int
    epochs: int | None = None  # that it will take


@dataclass(frozen=True)
class Epoch:
    """A run finished an epoch, with these metrics."""

    id: str
    label: str
    metrics: Figures


@dataclass(frozen=True)
class Finished:
    """A run has its record. error: if it failed."""

    id: str
    label: str
    state: str
    validation: float | None  # per cent
    seconds: float
    error: Error | None = None


@dataclass(frozen=True)
class Left:
    """A run was asked to stop, and will go on from its checkpoint after `epoch` epochs."""

    id: str
    label: str
    epoch: int


@dataclass(frozen=True)
class Retry:
    """A run was lost to its surroundings (killed, out of memory, ...) and will be tried again."""

    id: str
    label: str
    attempt: int
    error: Error


@dataclass(frozen=True)
class Waiting:
    """Nothing is left but runs that another runner holds."""

    count: int


@dataclass(frozen=True)
class Remark:
    """Something to know of where runs are carried out, in one line."""

    line: str


@dataclass(frozen=True)
class Stopping:
    """Asked to stop. `now`: at once; otherwise when the `running` runs are done.

    why: "" if the user asked, otherwise what the execution has no more of. pausing: runs that
    would take long leave at a checkpoint.
    """

    running: int
    now: bool
    why: str = ""
    pausing: bool = False


Event = Skipped | Started | Epoch | Finished | Left | Retry | Waiting | Remark | Stopping


@dataclass(frozen=True)
class Failure:
    """A run that failed, in this execution."""

    id: str
    label: str
    state: str  # failed | infra
    type: str
    message: str


@dataclass(frozen=True)
class Summary:
    """What came of an execution: how many runs it recorded in which state."""

    ok: int
    diverged: int
    failed: int
    infra: int
    skipped: int  # had their record before, or got it from another runner
    interrupted: bool
    failures: tuple[Failure, ...] = ()
    failed_before: int = 0  # of the skipped, how many are recorded as failed or infra
    asked_to_stop: bool = False  # even if no run was left to leave out
    out_of_time: bool = False  # runs are left for an execution after this one
    paused: int = 0  # runs that go on from their checkpoint
    broken: str = ""  # why the machine seems broken, if the execution ended for that

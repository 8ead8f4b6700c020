"""Messages of a worker about its run: news, and at last the outcome."""

from __future__ import annotations

from dataclasses import dataclass

from runner.execution.work import Figures
from runner.records.record_schema import Error
from runner.records.run import Run


@dataclass(frozen=True)
class Assignment:
    """A run as a worker gets it.

    stale_claim: token of a claim to take over. last: record a system failure as infra, unless the
    checkpoint has more than `reached` steps. checkpoint: seconds between checkpoints; None: write
    none.
    """

    run: Run
    stale_claim: str | None = None
    last: bool = True
    reached: int = 0
    checkpoint: float | None = None


@dataclass(frozen=True)
class Begun:
    """The worker holds the claim, and this attempt has begun."""

    attempt: int


@dataclass(frozen=True)
class Alive:
    """The training has made a step."""


@dataclass(frozen=True)
class EpochDone:
    """The training has finished an epoch, with these metrics."""

    metrics: Figures


@dataclass(frozen=True)
class Said:
    """A remark for the user about the engine, rather than about this run."""

    line: str


@dataclass(frozen=True)
class Recorded:
    """This worker has recorded the run. error: of a failed run."""

    state: str
    validation: float | None
    seconds: float
    error: Error | None


@dataclass(frozen=True)
class Known:
    """The run had a record before, or got it from another worker."""

    state: str


@dataclass(frozen=True)
class Lost:
    """A system failure has ended the attempt; nothing is recorded."""

    error: Error


@dataclass(frozen=True)
class Ended:
    """The worker ended without a message. state: the state to record for its run."""

    state: str
    error: Error


@dataclass(frozen=True)
class PausedAt:
    """The run stopped after `epoch` epochs, and will continue from its checkpoint."""

    epoch: int


@dataclass(frozen=True)
class Elsewhere:
    """Another worker holds the run."""


@dataclass(frozen=True)
class Mistake:
    """The user has made a mistake; the run gets no record."""

    message: str


@dataclass(frozen=True)
class Unwritable:
    """The store cannot be written to."""

    reason: str


News = Begun | Alive | EpochDone | Said
RunEnd = Recorded | Known | Lost | Ended | PausedAt | Elsewhere | Mistake | Unwritable
Message = News | RunEnd

"""What a worker says of the run that it is at: news, and at last what became of the run."""

from __future__ import annotations

from dataclasses import dataclass

from runner.execution.work import Figures
from runner.records.record_schema import Error
from runner.records.run import Run


@dataclass(frozen=True)
class Assignment:
    """A run as a worker gets it.

    over: token of a claim to be taken over. last: a loss to the surroundings is recorded, unless
    the checkpoint got further than `reached` steps. checkpoint: seconds between checkpoints; None:
    it writes none.
    """

    run: Run
    over: str | None = None
    last: bool = True
    reached: int = 0
    checkpoint: float | None = None


@dataclass(frozen=True)
class Begun:
    """The worker holds the claim, and this attempt began."""

    attempt: int


@dataclass(frozen=True)
class Alive:
    """A step was made."""


@dataclass(frozen=True)
class EpochDone:
    """An epoch ended with these metrics."""

    metrics: Figures


@dataclass(frozen=True)
class Said:
    """Something that people shall know of the engine, not of this run alone."""

    line: str


@dataclass(frozen=True)
class Recorded:
    """The run has its record by this worker. error: if it failed."""

    state: str
    validation: float | None
    seconds: float
    error: Error | None


@dataclass(frozen=True)
class Known:
    """The run had a record already, or got one from another worker."""

    state: str


@dataclass(frozen=True)
class Lost:
    """The attempt was lost to its surroundings, and nothing is recorded."""

    error: Error


@dataclass(frozen=True)
class Ended:
    """The worker ended without a word. state: what its run would be recorded as."""

    state: str
    error: Error


@dataclass(frozen=True)
class LeftAt:
    """The run was left after `epoch` epochs, and goes on from its checkpoint."""

    epoch: int


@dataclass(frozen=True)
class Elsewhere:
    """Another worker holds the run."""


@dataclass(frozen=True)
class Mistake:
    """The user has something to mend; the run stays open."""

    message: str


@dataclass(frozen=True)
class Unwritable:
    """The store cannot be written to."""

    reason: str


News = Begun | Alive | EpochDone | Said
Fate = Recorded | Known | Lost | Ended | LeftAt | Elsewhere | Mistake | Unwritable
Message = News | Fate

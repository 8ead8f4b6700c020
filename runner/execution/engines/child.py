"""A child process, in its parent: its current run, and the output of that run."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from runner.execution import oom
from runner.execution.messages import Assignment
from runner.records.crash_logs import tail

LOG_TAIL = 20_000  # bytes of a crashed run's log that go into its record


@dataclass
class Child:
    """A process, this side of its pipe, and its current run."""

    process: ForkServerProcess
    pipe: Connection
    run: str | None  # the id
    runs_left: int  # runs that it may still begin
    gpu: str | None = None  # the one that it sees
    attempt: Path | None = None  # the folder that the attempt writes to
    # How often the kernel had ended a process for want of memory when the run began.
    ooms: int | None = field(default_factory=oom.kills)

    def begin(self, assignment: Assignment) -> None:
        """Give it another run."""
        self.run, self.runs_left = assignment.run.id, self.runs_left - 1
        self.ooms = oom.kills()
        self.say(assignment)

    def say(self, word: Assignment | str | None) -> None:
        """Send it a message; None: there will be no more runs."""
        with contextlib.suppress(OSError):  # it died: its sentinel will tell
            self.pipe.send(word)

    def bury(self) -> None:
        """Wait until the process has ended."""
        self.process.join()
        self.pipe.close()

    def starved(self) -> bool:
        """Whether the kernel has killed a process for lack of memory since the run began."""
        return oom.killed_since(self.ooms)

    def log(self) -> str:
        """The end of its run's output."""
        return tail(self.attempt and self.attempt / "log.txt", LOG_TAIL)

"""A child process, in its parent: its current run, and the output of that run."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from runner.execution import oom
from runner.execution.messages import Assignment

LOG_TAIL = 20_000  # bytes of a crashed run's log that go into its record


@dataclass
class Child:
    """A process, this side of its pipe, and its current run."""

    process: ForkServerProcess
    pipe: Connection
    run: str | None  # the id
    left: int  # runs that it may still begin
    gpu: str | None = None  # the one that it sees
    attempt: Path | None = None  # the folder that the attempt writes to
    # How often the kernel had ended a process for want of memory when the run began.
    ooms: int | None = field(default_factory=oom.kills)

    def begin(self, assignment: Assignment) -> None:
        """Give it another run."""
        self.run, self.left = assignment.run.id, self.left - 1
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
        now = oom.kills()
        return now is not None and self.ooms is not None and now > self.ooms

    def log(self) -> str:
        """The end of its run's output."""
        if self.attempt is None:
            return ""
        try:
            with (self.attempt / "log.txt").open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

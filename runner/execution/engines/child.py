"""A child process as its runner sees it: what it is at, and when it was last heard of."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from runner.execution import oom
from runner.execution.jobs import Job

LOG_TAIL = 20_000  # bytes of a crashed run's log that go into its record


@dataclass
class Child:
    """A process, this side of its pipe, and the run it is at."""

    process: ForkServerProcess
    pipe: Connection
    job: Job | None
    left: int  # runs that it may still begin
    heard: float  # monotonic time of its last word
    gpu: str | None = None  # the one that it sees
    attempt: Path | None = None  # the folder that the attempt writes to
    ooms: int | None = None  # how often the kernel had ended a process for want of memory

    def begin(self, job: Job, message: dict[str, Any]) -> None:
        """Give it another run."""
        self.job, self.left, self.heard = job, self.left - 1, time.monotonic()
        self.ooms = oom.kills()
        with contextlib.suppress(OSError):  # it died while idle: its sentinel will tell
            self.pipe.send(message)

    def say(self, word: str) -> None:
        """Tell it something while it is at its run."""
        with contextlib.suppress(OSError):
            self.pipe.send(word)

    def dismiss(self) -> None:
        """Tell it that no run will come."""
        with contextlib.suppress(OSError):
            self.pipe.send(None)

    def bury(self) -> None:
        """Wait for its end."""
        self.process.join()
        self.pipe.close()

    def starved(self) -> bool:
        """Whether the kernel ended a process for want of memory since its run began."""
        now = oom.kills()
        return now is not None and self.ooms is not None and now > self.ooms

    def log(self) -> str:
        """The end of what its run printed."""
        if self.attempt is None:
            return ""
        try:
            with (self.attempt / "log.txt").open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

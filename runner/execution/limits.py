"""Limits of an execution: a run's time without progress, total time, room on the disk."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from runner.records import checkpoints
from runner.text import size

STALL = 30 * 60.0  # seconds; a step takes seconds, downloads of weights or images take minutes
RESERVE = 32 << 20  # bytes that stay free: for records of running runs, logs, the index
FREE_FILES = 200  # files that a file system must still be able to hold
LOOK = 1.0  # seconds between looks at the disk
RUN_SHARE = 0.9  # of the time limit that a run may take; the rest is for loading and measuring
RECENT = 60  # latest runs whose mean length predicts the next run's


@dataclass(frozen=True)
class Limits:
    """stall: seconds without a sign of life (an epoch, a batch) after which a run is ended.

    wall: seconds since `began` after which the execution stops; several executions may share the
    limit. run: predicted seconds of a run. reserve: bytes of the store's disk that stay free.
    checkpoint: seconds of a run's work that an interruption may cost; None: all of it. keeper:
    whether the execution clears up after dead processes, and waits for runs that other processes
    hold. One of the executions that share the work must do so. leaves: whether the execution ends
    if its machine seems broken, so that other executions do its runs; see `Losses`.
    """

    stall: float = STALL
    wall: float = math.inf
    run: float = 0.0
    reserve: int = RESERVE
    checkpoint: float | None = None
    keeper: bool = True
    leaves: bool = False
    began: float = field(default_factory=time.monotonic)


@dataclass
class Bounds:
    """How far an execution is within its limits."""

    limits: Limits
    root: Path
    _took: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    _looked: float = -math.inf

    def took(self, seconds: float) -> None:
        """Note the seconds of a finished run."""
        self._took.append(seconds)

    @property
    def seconds_left(self) -> float:
        """Seconds until the time limit."""
        return self.limits.began + self.limits.wall - time.monotonic()

    @property
    def fits(self) -> bool:
        """Whether a run that starts now will finish in time.

        True for a run that takes nearly all the time limit, or more: it would not fit later either,
        and can continue from its checkpoint another time.
        """
        run = sum(self._took) / len(self._took) if self._took else self.limits.run
        return self.seconds_left > (run if run < RUN_SHARE * self.limits.wall else 0.0)

    def cramped(self) -> str | None:
        """What the disk lacks; None if it has room, and between looks."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return None
        self._looked = now
        reserve = self.limits.reserve
        if lacks(self.root, reserve) is None:
            return None
        # Room that was kept free for checkpoints need not stay free once they are written.
        return lacks(self.root, max(RESERVE, reserve - checkpoints.total_bytes(self.root)))


def lacks(folder: Path, needed: int) -> str | None:
    """Why `needed` bytes do not fit on the disk of `folder`; None if they fit, or if unknown."""
    try:
        disk = os.statvfs(next(p for p in (folder, *folder.absolute().parents) if p.exists()))
    except OSError:
        return None
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        return f"{size(free)} of its disk are free, but {size(needed)} are needed"
    if disk.f_files and disk.f_favail < FREE_FILES:
        return f"its disk can hold only {disk.f_favail} more files"
    return None

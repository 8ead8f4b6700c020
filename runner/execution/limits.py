"""What an execution may not go beyond: a run's silence, time in all, room on the disk."""

from __future__ import annotations

import math
import os
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from runner.records import checkpoints
from runner.text import size

STALL = 30 * 60.0  # seconds; a step takes seconds, weights or images to be fetched some minutes
RESERVE = 32 << 20  # bytes that stay free: for records of runs at hand, logs, the index
FILES = 200  # names that a file system must still be able to hold
LOOK = 1.0  # seconds between looks at the disk
MOST = 0.9  # of the time: what is left of it for a run when all is loaded and measured
RECENT = 60  # runs whose mean length tells how long another will take


@dataclass(frozen=True)
class Limits:
    """stall: seconds without a sign of life (an epoch, a batch) after which a run is ended.

    wall: seconds since `began` after which the execution stops, or several that share the limit.
    run: seconds that a run takes, as predicted. reserve: bytes of the store's disk that stay free.
    checkpoint: seconds of a run's work that an interruption may cost; None: all of it. keeper:
    whether the execution clears up after dead runners, and waits where nothing is left but runs
    that others hold. Of many that share the work, one needs to. leaves: whether the execution ends
    where its machine seems broken, so that others of many have its runs; see `Losses`.
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
    """An execution's place within its limits."""

    limits: Limits
    root: Path
    _took: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))
    _looked: float = -math.inf

    def took(self, seconds: float) -> None:
        """A run was finished, and took that long."""
        self._took.append(seconds)

    @property
    def left(self) -> float:
        """Seconds until the time is over."""
        return self.limits.began + self.limits.wall - time.monotonic()

    @property
    def fits(self) -> bool:
        """Whether a run that is begun now will be finished in time.

        One that takes nearly all the time there is, or more, can only be begun, and go on from its
        checkpoint another time: it would fit no better then.
        """
        run = sum(self._took) / len(self._took) if self._took else self.limits.run
        return self.left > (run if run < MOST * self.limits.wall else 0.0)

    def cramped(self) -> str | None:
        """What the disk lacks; None if it has room, and between looks."""
        now = time.monotonic()
        if now - self._looked < LOOK:
            return None
        self._looked = now
        reserve = self.limits.reserve
        if lacks(self.root, reserve) is None:
            return None
        # What was kept free for checkpoints is no longer to be where they are written.
        return lacks(self.root, max(RESERVE, reserve - checkpoints.held(self.root)))


def lacks(folder: Path, needed: int) -> str | None:
    """Why `needed` bytes have no room on the disk of `folder`; None if they have, or unknown."""
    try:
        disk = os.statvfs(next(p for p in (folder, *folder.absolute().parents) if p.exists()))
    except OSError:
        return None
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        return f"{size(free)} of its disk are free, and {size(needed)} are needed"
    if disk.f_files and disk.f_favail < FILES:
        return f"its disk can hold {disk.f_favail} more files"
    return None

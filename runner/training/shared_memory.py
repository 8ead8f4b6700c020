"""How many batches loader processes may load in advance: batches are in shared memory."""

from __future__ import annotations

import os
from pathlib import Path

PLACE = Path("/dev/shm")  # on Linux; in Docker it has 64 MB by default
AHEAD = 4  # batches that a loader process loads in advance if there is room
SHARE = 0.25  # of the free shared memory, for one run: other runs need some too


def ahead(batch: int, loaders: int) -> tuple[int, int]:
    """The number of loader processes (at most `loaders`), and of batches that each may prefetch.

    batch: bytes of a batch. No processes if there is no room for one batch: then the run's own
    process loads. A loader that finds shared memory full would wait in a thread, and its error
    would be lost.
    """
    try:
        disk = os.statvfs(PLACE)
    except OSError:  # macOS has it elsewhere, without a limit
        return loaders, AHEAD
    fit = int(SHARE * disk.f_bavail * disk.f_frsize) // max(1, batch)
    few = min(loaders, fit)
    return few, min(AHEAD, fit // few) if few else 0

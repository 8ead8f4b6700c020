"""How far ahead loader processes may load: what they hand over lies in shared memory."""

from __future__ import annotations

import os
from pathlib import Path

PLACE = Path("/dev/shm")  # where Linux has it; Docker gives it 64 MB unless told otherwise
AHEAD = 4  # batches that a loader process loads ahead where there is room
SHARE = 0.25  # of what is free, for one run: others take from it, too


def ahead(batch: int, loaders: int) -> tuple[int, int]:
    """Loader processes, of `loaders`, and batches of `batch` bytes that each may load ahead.

    None where not even one batch has room: then the run's own process loads. A loader that finds
    the place full waits in a thread whose error nobody sees.
    """
    try:
        disk = os.statvfs(PLACE)
    except OSError:  # macOS has it elsewhere, without a bound
        return loaders, AHEAD
    fit = int(SHARE * disk.f_bavail * disk.f_frsize) // max(1, batch)
    few = min(loaders, fit)
    return few, min(AHEAD, fit // few) if few else 0

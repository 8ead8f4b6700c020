"""Memory of this process and of the device, in MiB, at a moment of a run."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import sys
from pathlib import Path

import torch

MIB = 2**20
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h, in bytes


def now(device: torch.device) -> dict[str, float]:
    """ram: resident, torch and all; loader processes are not counted.

    On a GPU also allocated (by tensors) and reserved (by torch's allocator for them).
    """
    found = {"ram": _resident()}
    if device.type == "cuda":
        found["allocated"] = torch.cuda.memory_allocated(device) / MIB
        found["reserved"] = torch.cuda.memory_reserved(device) / MIB
    return {name: round(value, 1) for name, value in found.items()}


def forget_peak(device: torch.device) -> None:
    """Give unused memory of the device back, and let `peak` begin anew.

    A process of many runs would tell each of them the largest one's, and on a GPU hold memory that
    its neighbours lack.
    """
    with contextlib.suppress(OSError):  # no such file on macOS: there it is the process's largest
        Path("/proc/self/clear_refs").write_text("5")
    if device.type == "cuda":
        torch.cuda.init()  # there are no statistics before
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak(device: torch.device) -> dict[str, float]:
    """The largest that `now` would have told since `forget_peak`."""
    found = {"ram": _largest()}
    if device.type == "cuda":
        found["allocated"] = torch.cuda.max_memory_allocated(device) / MIB
        found["reserved"] = torch.cuda.max_memory_reserved(device) / MIB
    return {name: round(value, 1) for name, value in found.items()}


def _largest() -> float:
    """MiB resident at most, since `forget_peak` where the system can forget."""
    with contextlib.suppress(OSError):
        found = re.search(r"^VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.M)
        if found:
            return int(found[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def _resident() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return _largest()  # no such file on macOS
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def keep_freed() -> None:
    """Let the C library keep freed memory for the next tensor rather than give it back at once.

    Every step frees and takes the same blocks; given back, their pages have to be mapped and
    zeroed anew each time: a sixth of an evaluation at 8×8 pixels. The largest go back all the same,
    since kept ones leave gaps: an eighth more memory at 28×28 pixels. Results are the same.
    Other C libraries than glibc are left as they are.
    """
    try:
        allocate = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    allocate(M_MMAP_THRESHOLD, 8 * MIB)
    allocate(M_TRIM_THRESHOLD, 1024 * MIB)

"""Memory of this process and of the device, in MiB."""

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
    """ram: resident memory of this process, with torch, without loader processes.

    On a GPU also allocated (by tensors) and reserved (by torch's allocator).
    """
    found = {"ram": _resident()}
    if device.type == "cuda":
        found["allocated"] = torch.cuda.memory_allocated(device) / MIB
        found["reserved"] = torch.cuda.memory_reserved(device) / MIB
    return {name: round(value, 1) for name, value in found.items()}


def forget_peak(device: torch.device) -> None:
    """Free unused memory of the device, and reset `peak`.

    Otherwise a process of many runs would report the largest run's peak for all later runs, and on
    a GPU hold memory that other processes need.
    """
    with contextlib.suppress(
        OSError
    ):  # no such file on macOS: there the peak is over the whole process
        Path("/proc/self/clear_refs").write_text("5")
    if device.type == "cuda":
        torch.cuda.init()  # statistics exist only after this
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak(device: torch.device) -> dict[str, float]:
    """The maximum of `now` since `forget_peak`."""
    found = {"ram": _largest()}
    if device.type == "cuda":
        found["allocated"] = torch.cuda.max_memory_allocated(device) / MIB
        found["reserved"] = torch.cuda.max_memory_reserved(device) / MIB
    return {name: round(value, 1) for name, value in found.items()}


def _largest() -> float:
    """The peak of resident MiB, since `forget_peak` if the system can reset it."""
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
    """Let the C library keep freed memory for the next tensor, instead of returning it at once.

    Every step frees and allocates the same blocks. Returned pages must be mapped and zeroed again
    each time, which takes a sixth of an evaluation at 8×8 pixels. The largest blocks are still
    returned, since keeping them leaves gaps: an eighth more memory at 28×28 pixels. Results are the
    same. C libraries other than glibc are not changed.
    """
    try:
        allocate = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    allocate(M_MMAP_THRESHOLD, 8 * MIB)
    allocate(M_TRIM_THRESHOLD, 1024 * MIB)

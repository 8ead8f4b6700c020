"""Whether the kernel has killed a process because memory ran out."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


def kills() -> int | None:
    """The kernel's count of such kills, on this machine or in this control group; None if unknown.

    Only the difference between two calls is meaningful.
    """
    found: list[int] = []
    for path in (PROC / "vmstat", *_own_group()):
        with contextlib.suppress(OSError):
            found += map(int, re.findall(r"^oom_kill (\d+)$", path.read_text(), re.M))
    return sum(found) if found else None


def killed_since(before: int | None) -> bool:
    """Whether the kernel has killed a process since `kills` returned `before`, as far as known."""
    now = kills()
    return now is not None and before is not None and now > before


def _own_group() -> list[Path]:
    """Files with the counts of this process's control group, in version 1 and version 2."""
    try:
        lines = (PROC / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    files = []
    for line in lines:
        number, controllers, path = line.split(":", 2)
        group = path.lstrip("/")
        if number == "0" and not controllers:
            files.append(CGROUPS / group / "memory.events")
        elif "memory" in controllers.split(","):
            for place in (CGROUPS / "memory" / group, CGROUPS / "memory"):
                if (place / "memory.oom_control").exists():
                    files.append(place / "memory.oom_control")
                    break
    return files

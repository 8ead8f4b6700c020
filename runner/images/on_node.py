"""Image caches on a node of a cluster: on a shared disk, or decoded once per node."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from socket import gethostname

from runner.images.cache import opened
from runner.images.caching import ready
from runner.images.originals import Originals
from tricks.errors import BadInput

MOUNTS = Path("/proc/self/mounts")
# How the names of file systems begin that several machines share.
SHARED_FILE_SYSTEMS = (
    "nfs", "lustre", "gpfs", "beegfs", "ceph", "cifs", "smb", "panfs", "afs", "glusterfs",
    "orangefs", "pvfs", "fuse", "9p", "virtiofs", "wekafs",
)  # fmt: skip


def placed(
    originals: Originals,
    caches: Sequence[tuple[int, str]],
    gigabytes: float | None,
    say: Callable[[str], None],
) -> tuple[tuple[int, str], ...]:
    """`caches` (with their sides) that this machine can read. say: receives their places.

    A cache that cannot be read is built once for the machine, in $TMPDIR if it is on a local disk,
    else in this user's cache folder. gigabytes: room for caches; see `ready`. Raises BadInput if
    the images cannot be read.
    """
    if not os.access(originals.place, os.R_OK):
        raise BadInput(f"{originals.place}: missing or not readable on {gethostname()}")
    if all(opened(Path(folder)) is not None for _, folder in caches):
        for folder in dict.fromkeys(folder for _, folder in caches):
            say(f"decoded images are read from {folder}")
        return tuple(caches)
    scratch = Path(os.environ.get("TMPDIR") or tempfile.gettempdir())
    if os.access(scratch, os.W_OK) and not shared(scratch):
        os.environ["XDG_CACHE_HOME"] = str(scratch / f"tricks-bench-{os.getuid()}")
    found = []
    for side, _ in caches:
        made = ready(originals, side, gigabytes, lambda line: print(line, flush=True))
        if made.cache is not None:
            say(f"images are decoded once on {gethostname()}, into {made.cache}")
            found.append((side, str(made.cache)))
    return tuple(found)


def shared(folder: Path) -> bool:
    """Whether `folder` is on a file system that several machines share, as far as known."""
    return kind(folder).startswith(SHARED_FILE_SYSTEMS)


def kind(folder: Path, mounts: Path = MOUNTS) -> str:
    """The system's name for the file system of `folder`; "" if unknown."""
    place, best, name = os.path.realpath(folder), "", ""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        _, at, system, *_ = line.split(" ")
        at = at.replace("\\040", " ")
        inside = place == at or place.startswith(at.rstrip("/") + "/")
        if inside and len(at) >= len(best):
            best, name = at, system
    return name

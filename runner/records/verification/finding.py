"""What a look through a folder of results finds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.records import atomic_write
from runner.records.layout import aside

IN_WRITING = 3_600  # seconds: a younger temporary file may be one that is being written

ASIDE = "move it to quarantine/"


@dataclass(frozen=True)
class Finding:
    """Something in a folder of results that is wrong (`problem`), or only worth knowing.

    kind: damaged, unreadable, newer, misplaced, duplicate, foreign, symlink, torn, index, study,
    claim, orphan, unused, predictions, export or store. path: relative to the folder. repair: what
    mends it, "" where nothing here can; `mend` does that.
    """

    kind: str
    path: str
    what: str
    problem: bool = True
    repair: str = ""
    mend: Callable[[], Any] | None = None


def away(root: Path, path: Path, kind: str, what: str, problem: bool = True) -> Finding:
    """A finding that is mended by moving `path` to quarantine/."""

    def mend() -> None:
        if aside(root, path) is None:
            raise OSError(f"{path} could not be moved to {root / 'quarantine'}")

    return Finding(kind, inside(root, path), what, problem, ASIDE, mend)


def inside(root: Path, path: Path | str) -> str:
    """`path` as seen from `root`."""
    return os.path.relpath(path, root)


def is_temporary(name: str) -> bool:
    """Whether a file of that name is one that a writer has not come to the end of."""
    return name.startswith(".") and (
        name.endswith(atomic_write.TEMPORARY) or name.startswith(".probe.")
    )


def torn(root: Path, path: Path) -> Finding:
    """A temporary file: left by a killed writer, or in writing just now."""
    try:
        young = time.time() - path.lstat().st_mtime < IN_WRITING
    except OSError:
        young = True
    if young:
        what = "a temporary file less than an hour old: in writing, or left by a killed process"
        return Finding("torn", inside(root, path), what, problem=False)
    what = "a temporary file that a killed process left"
    return Finding("torn", inside(root, path), what, True, "remove it", path.unlink)

"""Findings of a verification of a folder of results."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.records import atomic_write
from runner.records.layout import aside

IN_WRITING = 3_600  # seconds: a younger temporary file may still be written

ASIDE = "move it to quarantine/"


@dataclass(frozen=True)
class Finding:
    """Something in a folder of results that is wrong (`problem`), or only a note.

    kind: damaged, unreadable, newer, misplaced, duplicate, foreign, symlink, torn, index, study,
    claim, orphan, unused, predictions, environments, export or store. path: relative to the folder.
    repair: a description of the repair, "" if there is none. mend: carries it out.
    """

    kind: str
    path: str
    description: str
    problem: bool = True
    repair: str = ""
    mend: Callable[[], Any] | None = None


def away(root: Path, path: Path, kind: str, description: str, problem: bool = True) -> Finding:
    """A finding that is repaired by moving `path` to quarantine/."""

    def mend() -> None:
        if aside(root, path) is None:
            raise OSError(f"{path} could not be moved to {root / 'quarantine'}")

    return Finding(kind, inside(root, path), description, problem, ASIDE, mend)


def link(root: Path, path: Path) -> Finding:
    """The finding of a symbolic link."""
    return away(root, path, "symlink", "a symbolic link: a store holds none")


def inside(root: Path, path: Path | str) -> str:
    """`path` as seen from `root`."""
    return os.path.relpath(path, root)


def is_temporary(name: str) -> bool:
    """Whether `name` is the name of a temporary file, which a writer has not finished."""
    return name.startswith(".") and (
        name.endswith(atomic_write.TEMPORARY) or name.startswith(".probe.")
    )


def odd(root: Path, path: Path) -> Finding | None:
    """The finding of a symbolic link or a temporary file; None for any other file or folder."""
    if path.is_symlink():
        return link(root, path)
    return torn(root, path) if is_temporary(path.name) else None


def torn(root: Path, path: Path) -> Finding:
    """The finding of a temporary file: left by a killed writer, or being written now."""
    try:
        young = time.time() - path.lstat().st_mtime < IN_WRITING
    except OSError:
        young = True
    if young:
        description = (
            "a temporary file less than an hour old: being written, or left by a killed process"
        )
        return Finding("torn", inside(root, path), description, problem=False)
    description = "a temporary file that a killed process left"
    return Finding("torn", inside(root, path), description, True, "remove it", path.unlink)

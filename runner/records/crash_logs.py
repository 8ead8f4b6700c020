"""The files of attempts at a run, beside its checkpoint. They are kept for failed runs."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING

from runner.records import checkpoints
from runner.records.record import is_id

if TYPE_CHECKING:
    from runner.records.store import Store

WELL = ("ok", "diverged")  # states of a record whose attempts need not be kept


def clear(attempt: Path) -> None:
    """Remove the folder of an attempt."""
    shutil.rmtree(attempt, ignore_errors=True)
    with contextlib.suppress(OSError):
        attempt.parent.rmdir()


def clear_up_to(attempt: Path) -> None:
    """Remove the folders of a successful attempt and of earlier attempts.

    A later attempt belongs to a process that has taken the run over and writes there.
    """
    with contextlib.suppress(OSError):  # another process has swept it before
        for name in os.listdir(attempt.parent):
            if name.isdecimal() and int(name) <= int(attempt.name):
                clear(attempt.parent / name)


def tail(log: Path | None, most: int) -> str:
    """The end of a log as text, at most `most` bytes; "" if it cannot be read."""
    if log is None:
        return ""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - most))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def sweep(store: Store, closed: Container[str]) -> None:
    """Remove the files of a process that was killed just after it wrote its run's record.

    closed: states of a record after which no run continues from the checkpoint.
    """
    paths = [path for path in store.root.glob("attempts/??/*") if not path.is_symlink()]
    folders = {path.name: path for path in paths if is_id(path.name)}
    for id, state in store.states(folders).items() if folders else ():
        if state in closed:
            checkpoints.remove(checkpoints.path_of(store.root, id))
        if state in WELL:
            shutil.rmtree(folders[id], ignore_errors=True)

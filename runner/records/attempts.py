"""What attempts at a run leave beside its checkpoint: kept of runs that failed, as evidence."""

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

WELL = ("ok", "diverged")  # states of a record that needs no evidence beside it


def clear(attempt: Path) -> None:
    """Remove the folder of an attempt of which nothing is to be kept."""
    shutil.rmtree(attempt, ignore_errors=True)
    with contextlib.suppress(OSError):
        attempt.parent.rmdir()


def clear_up_to(attempt: Path) -> None:
    """Remove the folders of an attempt that went well, and of those before it.

    One after it is of an owner that has taken the run over, and writes there.
    """
    with contextlib.suppress(OSError):  # a sweep of another runner came before
        for name in os.listdir(attempt.parent):
            if name.isdecimal() and int(name) <= int(attempt.name):
                clear(attempt.parent / name)


def sweep(store: Store, closed: Container[str]) -> None:
    """Remove what a runner left that was killed as its run's record had been written.

    closed: states of a record that no checkpoint goes on from.
    """
    paths = [path for path in store.root.glob("attempts/??/*") if not path.is_symlink()]
    folders = {path.name: path for path in paths if is_id(path.name)}
    for id, state in store.states(folders).items() if folders else ():
        if state in closed:
            checkpoints.remove(checkpoints.path_of(store.root, id))
        if state in WELL:
            shutil.rmtree(folders[id], ignore_errors=True)

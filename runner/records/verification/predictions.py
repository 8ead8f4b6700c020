"""The predictions beside records: of the record that names them, and whole."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from runner.records import atomic_write
from runner.records.predictions import unpack
from runner.records.record import Damaged
from runner.records.verification.finding import IN_WRITING, Finding, away, inside
from runner.text import counted


class Named(NamedTuple):
    """What a record says of its predictions: their SHA-256, and of how many images they are."""

    sha256: str
    images: int


def predictions(root: Path, file: Path, named: Named | None) -> Iterator[Finding]:
    """Look at a file of predictions. named: what its record says of it, None if it says nothing.

    One that no record names is in nobody's way: a retry of its run replaces it.
    """
    try:
        if named is not None:
            data = atomic_write.read(file)
            if hashlib.sha256(data).hexdigest() != named.sha256:
                raise Damaged("they are not those that the record names")
            unpack(data, named.images)
        elif time.time() - file.lstat().st_mtime < IN_WRITING:
            what = "predictions that no record names: its run is ending, or was stopped there"
            yield Finding("orphan", inside(root, file), what, problem=False)
        else:
            what = "predictions that no record names: its run was stopped as it ended"
            yield away(root, file, "orphan", what, problem=False)
    except FileNotFoundError:  # a runner is at work
        return
    except (Damaged, OSError) as error:
        what = f"predictions: {getattr(error, 'strerror', None) or error}"
        yield away(root, file, "damaged", what)


def missing(count: int) -> Iterator[Finding]:
    """Say of how many records the predictions are gone."""
    if count:
        what = f"{counted(count, 'record')} whose predictions are gone: no later metric has them"
        yield Finding("predictions", "runs", what, problem=False)

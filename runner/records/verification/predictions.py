"""Verify predictions beside records: intact, and named by their record."""

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
    """A record's entry about its predictions: their SHA-256, and the number of images."""

    sha256: str
    images: int


def predictions(root: Path, file: Path, named: Named | None) -> Iterator[Finding]:
    """Verify a file of predictions. named: its record's entry, None without one.

    A file that no record names does no harm: a retry of its run replaces it.
    """
    try:
        if named is not None:
            data = atomic_write.read(file)
            if hashlib.sha256(data).hexdigest() != named.sha256:
                raise Damaged("they are not the predictions that the record names")
            unpack(data, named.images)
        elif time.time() - file.lstat().st_mtime < IN_WRITING:
            description = (
                "predictions that no record names: their run is ending, or was stopped at its end"
            )
            yield Finding("orphan", inside(root, file), description, problem=False)
        else:
            description = "predictions that no record names: their run was stopped at its end"
            yield away(root, file, "orphan", description, problem=False)
    except FileNotFoundError:  # another process is at work
        return
    except (Damaged, OSError) as error:
        description = f"predictions: {getattr(error, 'strerror', None) or error}"
        yield away(root, file, "damaged", description)


def missing(count: int) -> Iterator[Finding]:
    """The finding of records whose predictions are missing."""
    if count:
        description = (
            f"{counted(count, 'record')} whose predictions are missing: new metrics cannot be "
            "computed for them"
        )
        yield Finding("predictions", "runs", description, problem=False)

"""Files that a recipe names: identified by content, never by path. Torch-free."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from tricks.errors import BadInput


@cache
def _digest(path: str, changed: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def digest(file: str, what: str) -> str:
    """The first 16 hex digits of the SHA-256 of `file`; an unchanged file is read only once.

    Raises BadInput, beginning with `what`, if the file cannot be read.
    """
    path = Path(file).expanduser()
    try:
        stat = path.stat()
        return _digest(str(path), stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise BadInput(f"{what} {path}: {error.strerror or error}") from error

"""Files that a recipe names: known by what they hold, never by where they are. Torch-free."""

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
    """The first 16 hex digits of the SHA-256 of `file`, which an unchanged file is read for once.

    Raises BadInput that begins with `what` for a file that cannot be read.
    """
    path = Path(file).expanduser()
    try:
        stat = path.stat()
        return _digest(str(path), stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise BadInput(f"{what} {path}: {error.strerror or error}") from error

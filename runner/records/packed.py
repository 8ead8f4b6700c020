"""Compressed files of exports: the same content always gives the same bytes."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from runner.records import atomic_write

# A compressed file may unpack to so many bytes, or to so many times its size; exports reach 20
# times.
UNPACKED, TIMES = 64 << 20, 40


def pack(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def unpack(path: Path) -> bytes:
    """The content of a .gz file. Raises ValueError if it is too large unpacked, OSError."""
    packed = atomic_write.read(path)
    most = max(UNPACKED, TIMES * len(packed))
    with gzip.open(io.BytesIO(packed)) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{path.name} unpacks to more than {most:,} bytes, too many for an export")
    return content

"""What image files hold: a digest of each, kept so that an unchanged file is read once."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runner.execution.machine import cores
from runner.images.walk import ImageFile
from runner.text import size
from tricks.errors import BadInput

KEPT = 32_000_000  # bytes of images from which on their digests are kept
SAID = 1_000_000_000  # bytes to read from which on a line says so
RECENT = 2_000_000_000  # nanoseconds in which a file may change again without another time


def content(place: Path, files: Sequence[ImageFile]) -> str:
    """A digest of what the images at `place` hold, in the order given; see `digests`."""
    found = digests(place, files)
    return hashlib.sha256(" ".join(found).encode()).hexdigest()[:16]


def digests(place: Path, files: Sequence[ImageFile]) -> list[str]:
    """A digest of what each of the images at `place` holds.

    A file whose path, size and time of change are those of an earlier call is not read again.
    Raises BadInput naming a file that cannot be read.
    """
    kept = _kept_at(place) if sum(file.size for file in files) >= KEPT else None
    known = _known(kept)
    names = [_name(file) for file in files]
    new = {name: file for name, file in zip(names, files, strict=True) if name not in known}
    to_read = sum(file.size for file in new.values())
    if to_read >= SAID:
        print(f"reading {size(to_read)} of images once, to know them again", file=sys.stderr)
    with ThreadPoolExecutor(cores()) as pool:  # hashing leaves the interpreter to others
        known |= zip(new, pool.map(_digest, new.values()), strict=True)
    if kept is not None and new:
        before = time.time_ns() - RECENT
        _keep(kept, {name: known[name] for name, file in zip(names, files, strict=True)
                     if file.changed < before})  # fmt: skip
    return [known[name] for name in names]


def _digest(file: ImageFile) -> str:
    try:
        with file.path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()[:32]
    except OSError as error:
        raise BadInput(f"{file.path}: cannot be read: {error.strerror}") from error


def _name(file: ImageFile) -> bytes:
    return b"%d %d %s" % (file.size, file.changed, os.fsencode(file.path.absolute()))


def _kept_at(place: Path) -> Path:
    """The file of the digests of the images at `place`."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = hashlib.sha256(os.fsencode(place.absolute())).hexdigest()[:16]
    return root / "tricks-bench" / "digests" / name


def _known(kept: Path | None) -> dict[bytes, str]:
    """Name -> digest, of files seen before; nothing where that cannot be read."""
    try:
        lines = kept.read_bytes().split(b"\0") if kept is not None else []
        pairs = [line.split(b" ", 1) for line in lines if line]
        return {name: digest.decode("ascii") for digest, name in pairs}
    except (OSError, ValueError):
        return {}


def _keep(kept: Path, digests: dict[bytes, str]) -> None:
    from runner.records import durable

    lines = (digest.encode() + b" " + name for name, digest in digests.items())
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(kept, b"\0".join(lines))
    except OSError:  # a home that is full or cannot be written: the next call reads them again
        pass

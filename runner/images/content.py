"""What image files hold: a digest of each, kept so that an unchanged file is read once."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from runner.execution.machine import cores
from runner.images.counting import Counting, on_stderr
from runner.images.walk import ImageFile
from tricks.errors import BadInput

KEPT = 32_000_000  # bytes of images from which on their digests are kept
RECENT = 2_000_000_000  # nanoseconds in which a file may change again without another time
_seen: dict[bytes, str] = {}  # name of a file with its size and time -> digest, by this process


def content(place: Path, files: Sequence[ImageFile]) -> str:
    """A digest of what the images at `place` hold, in the order given; see `digests`."""
    return together(digests(place, files))


def together(digests: Sequence[str]) -> str:
    """One digest of several, in their order."""
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16]


def digests(
    place: Path, files: Sequence[ImageFile], say: Callable[[str], None] = on_stderr
) -> list[str]:
    """A digest of what each of the images at `place` holds.

    A file whose path, size and time of change are those of an earlier call is not read again.
    Raises BadInput naming a file that cannot be read.
    """
    known = _seen | _known(_kept_at(place, files))
    names = [_name(file) for file in files]
    new = {name: file for name, file in zip(names, files, strict=True) if name not in known}
    count = Counting("images read once, to know them again", len(new), say)
    with ThreadPoolExecutor(cores()) as pool:  # hashing leaves the interpreter to others
        for name, digest in zip(new, pool.map(_digest, new.values()), strict=True):
            known[name] = digest
            count.one()
    found = [known[name] for name in names]
    if new:
        keep(place, files, found)
    return found


def known(place: Path, files: Sequence[ImageFile]) -> list[str] | None:
    """The digests, where none or little has to be read for them; else None."""
    held = _seen | _known(_kept_at(place, files))
    if sum(file.size for file in files if _name(file) not in held) >= KEPT:
        return None
    return digests(place, files)


def keep(place: Path, files: Sequence[ImageFile], digests: Sequence[str]) -> None:
    """Keep the digests of the files at `place`: also on the disk where reading them takes long."""
    from runner.records import durable

    before = time.time_ns() - RECENT
    found = {
        _name(file): digest
        for file, digest in zip(files, digests, strict=True)
        if file.changed < before
    }
    _seen.update(found)
    kept = _kept_at(place, files)
    if kept is None:
        return
    lines = (digest.encode() + b" " + name for name, digest in found.items())
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(kept, b"\0".join(lines))
    except OSError:  # a home that is full or cannot be written: the next call reads them again
        pass


def digest_of(data: bytes) -> str:
    """The digest of a file with this content."""
    return hashlib.sha256(data).hexdigest()[:32]


def home() -> Path:
    """The folder for what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tricks-bench"


def _digest(file: ImageFile) -> str:
    try:
        with file.path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()[:32]
    except OSError as error:
        raise BadInput(f"{file.path}: cannot be read: {error.strerror}") from error


def _name(file: ImageFile) -> bytes:
    return b"%d %d %s" % (file.size, file.changed, os.fsencode(file.path.absolute()))


def _kept_at(place: Path, files: Sequence[ImageFile]) -> Path | None:
    """The file of the digests of the images at `place`; None: they are quickly made again."""
    if sum(file.size for file in files) < KEPT:
        return None
    return home() / "digests" / hashlib.sha256(os.fsencode(place.absolute())).hexdigest()[:16]


def _known(kept: Path | None) -> dict[bytes, str]:
    """Name -> digest, of files seen before; nothing where that cannot be read."""
    try:
        lines = kept.read_bytes().split(b"\0") if kept is not None else []
        pairs = [line.split(b" ", 1) for line in lines if line]
        return {name: digest.decode("ascii") for digest, name in pairs}
    except (OSError, ValueError):
        return {}

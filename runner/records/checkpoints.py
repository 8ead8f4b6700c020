"""Checkpoints on disk: where a run's is, what it says of itself, whether it is whole. Torch-free.

One line, then whatever the training wrote. The line: the SHA-256 of all that stands after its 64
digits, a space, and a JSON object that says what training this is of and how far it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
import uuid
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from runner.records import atomic_write
from runner.records.json_values import JsonValue
from runner.records.record import Damaged, check_id

NAME = "checkpoint"  # beside the folders of the run's attempts, so that the next one finds it
LONGEST = 65_536  # bytes of the first line
_DIGITS = 64


def path_of(root: Path, id: str) -> Path:
    """The file of the run's checkpoint, whether it is there or not. Raises BadInput for no id."""
    return root / "attempts" / check_id(id)[:2] / id / NAME


def held(root: Path) -> int:
    """Bytes of all checkpoints in the store `root`; 0 if there is no store."""
    total = 0
    for path in root.glob(f"attempts/??/*/{NAME}"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total


class _Hashing:
    """A file to write to, and the digest of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


@contextlib.contextmanager
def writing(path: Path, head: Mapping[str, JsonValue]) -> Iterator[IO[bytes]]:
    """A file to write the content to; on leaving it stands at `path`, whole and synced.

    The content goes to the disk as it comes: a large network is not held twice in memory.
    Raises OSError; then the checkpoint is the one that was there before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex}{atomic_write.TEMPORARY}"
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"0" * _DIGITS)
            hashing = _Hashing(file)
            hashing.write(b" " + json.dumps(head, sort_keys=True).encode() + b"\n")
            yield cast(IO[bytes], hashing)
            file.seek(0)
            file.write(hashing.digest.hexdigest().encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    atomic_write.sync_folder(path.parent)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[tuple[dict[str, Any], IO[bytes]]]:
    """What the checkpoint says of itself, and the file at the start of its content.

    Raises FileNotFoundError if there is none, Damaged if it is not what was written.
    """
    with _opened(path) as file:
        digest = hashlib.sha256()
        told = file.read(_DIGITS)
        while chunk := file.read(2**20):
            digest.update(chunk)
        if digest.hexdigest().encode() != told:
            raise Damaged("its checksum does not match: it was cut or changed")
        file.seek(0)
        yield _head(file), file


class Reached(msgspec.Struct, frozen=True):
    """How far the training of a checkpoint is: steps taken, epochs done, epochs in all."""

    place: int = 0
    epoch: int | None = None
    epochs: int | None = None


def head(path: Path) -> Reached | None:
    """What the checkpoint says of itself, unverified; None if there is none that says anything."""
    try:
        with _opened(path) as file:
            return msgspec.convert(_head(file), Reached)
    except (OSError, Damaged, msgspec.ValidationError):
        return None


def reached(path: Path) -> int:
    """How many steps of its training the checkpoint has behind it, unverified; 0 without one."""
    return (head(path) or Reached()).place


def heads(root: Path, ids: Container[str]) -> dict[str, Reached]:
    """What the checkpoints of those of `ids` that have one say of themselves, unverified."""
    paths = sorted(root.glob(f"attempts/??/*/{NAME}"))
    found = {path.parent.name: head(path) for path in paths if path.parent.name in ids}
    return {id: told for id, told in found.items() if told is not None}


def set_aside(path: Path, quarantine: Path) -> None:
    """Move a checkpoint that cannot be used to the folder `quarantine`."""
    with contextlib.suppress(OSError):
        quarantine.mkdir(exist_ok=True)
        os.rename(path, quarantine / f"{path.parent.name}.{time.time_ns()}.{NAME}")


def remove(path: Path) -> None:
    """Remove a checkpoint of which no more is needed, if there is one, and half-written ones."""
    with contextlib.suppress(OSError):
        path.unlink()
    sweep(path)


def sweep(path: Path) -> None:
    """Remove what writers that were killed left half-written beside `path`."""
    with contextlib.suppress(OSError):  # another may have cleared the folder away
        for left in path.parent.glob(f".{path.name}.*{atomic_write.TEMPORARY}"):
            left.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        yield file


def _head(file: IO[bytes]) -> dict[str, Any]:
    line = file.readline(LONGEST)
    try:
        found = json.loads(line[_DIGITS:])
    except (ValueError, RecursionError) as error:
        raise Damaged("it does not say what it is") from error
    if not isinstance(found, dict) or not line.endswith(b"\n"):
        raise Damaged("it does not say what it is")
    return found

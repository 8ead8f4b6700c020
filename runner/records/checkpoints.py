"""Checkpoints on disk: a run's file, its first line, and whether it is complete. Torch-free.

A checkpoint is one line, then the bytes of the training. The line has the SHA-256 (64 digits) of
everything after these digits, a space, and a JSON object with the training's identity and progress.
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

NAME = "checkpoint"  # beside the folders of the run's attempts, so that the next attempt finds it
LONGEST = 65_536  # bytes of the first line
_DIGITS = 64


def path_of(root: Path, id: str) -> Path:
    """The path of the run's checkpoint, which need not exist. Raises BadInput for an invalid id."""
    return attempts(root, id) / NAME


def attempts(root: Path, id: str) -> Path:
    """The folder of the run's attempts, which need not exist. Raises BadInput for an invalid id."""
    return root / "attempts" / check_id(id)[:2] / id


def total_bytes(root: Path) -> int:
    """Bytes of all checkpoints in the store `root`; 0 if there is no store."""
    total = 0
    for path in root.glob(f"attempts/??/*/{NAME}"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total


class _Hashing:
    """A file to write to, with the digest of the written bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


@contextlib.contextmanager
def writing(path: Path, head: Mapping[str, JsonValue]) -> Iterator[IO[bytes]]:
    """A file to write the content to; on exit it is moved to `path`, complete and synced.

    The content goes directly to the disk, so a large network is not in memory twice. Raises
    OSError; then the earlier checkpoint stays.
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
    """The checkpoint's JSON object, and the file at the start of its content.

    Raises FileNotFoundError if there is none, Damaged if it has changed since it was written.
    """
    with open(atomic_write.opened(path), "rb") as file:
        digest = hashlib.sha256()
        told = file.read(_DIGITS)
        while chunk := file.read(2**20):
            digest.update(chunk)
        if digest.hexdigest().encode() != told:
            raise Damaged("its checksum does not match: it was cut or changed")
        file.seek(0)
        yield _head(file), file


class Reached(msgspec.Struct, frozen=True):
    """The progress of a checkpoint's training: steps, finished epochs, epochs in all."""

    place: int = 0
    epoch: int | None = None
    epochs: int | None = None


def head(path: Path) -> Reached | None:
    """The checkpoint's progress, unverified; None if there is no readable checkpoint."""
    try:
        with open(atomic_write.opened(path), "rb") as file:
            return msgspec.convert(_head(file), Reached)
    except (OSError, Damaged, msgspec.ValidationError):
        return None


def reached(path: Path) -> int:
    """The number of steps of the checkpoint, unverified; 0 without a checkpoint."""
    return (head(path) or Reached()).place


def heads(root: Path, ids: Container[str]) -> dict[str, Reached]:
    """Run id -> progress of its checkpoint, unverified, for runs in `ids` that have one."""
    paths = sorted(root.glob(f"attempts/??/*/{NAME}"))
    found = {path.parent.name: head(path) for path in paths if path.parent.name in ids}
    return {id: told for id, told in found.items() if told is not None}


def set_aside(path: Path, quarantine: Path) -> None:
    """Move an unusable checkpoint to the folder `quarantine`."""
    with contextlib.suppress(OSError):
        quarantine.mkdir(exist_ok=True)
        os.rename(path, quarantine / f"{path.parent.name}.{time.time_ns()}.{NAME}")


def remove(path: Path) -> None:
    """Remove a checkpoint that is no longer needed, if there is one, and half-written files."""
    with contextlib.suppress(OSError):
        path.unlink()
    sweep(path)


def sweep(path: Path) -> None:
    """Remove half-written files of killed writers beside `path`."""
    with contextlib.suppress(OSError):  # another process may have removed the folder
        for left in path.parent.glob(f".{path.name}.*{atomic_write.TEMPORARY}"):
            left.unlink(missing_ok=True)


def _head(file: IO[bytes]) -> dict[str, Any]:
    line = file.readline(LONGEST)
    try:
        found = json.loads(line[_DIGITS:])
    except (ValueError, RecursionError) as error:
        raise Damaged("it does not say what it is") from error
    if not isinstance(found, dict) or not line.endswith(b"\n"):
        raise Damaged("it does not say what it is")
    return found

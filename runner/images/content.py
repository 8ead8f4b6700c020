"""Digests of image files, kept so that an unchanged file is read only once."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from runner.images.cache_home import home
from runner.images.counting import Counting, on_stderr
from runner.images.file_list import ImageFile, ImageFiles
from runner.images.threads import mapped
from tricks.errors import BadInput

KEPT = 32_000_000  # digests are kept on disk for images of at least this many bytes in total
RECENT = 2_000_000_000  # nanoseconds within which a change may leave a file's time the same
# A hash of a file's path, size and time, and the digest of its content: 48 bytes per file.
KNOWN = np.dtype([("key", "S16"), ("digest", "S32")])
_NONE = np.zeros(0, KNOWN)
_seen = _NONE  # files that this process has read, sorted by key


def content(place: Path, files: Sequence[ImageFile]) -> str:
    """One digest of the content of the images at `place`, in the given order; see `digests`."""
    return joint_digest(digests(place, files))


def joint_digest(digests: np.ndarray) -> str:
    """One digest of several digests, in their order."""
    return hashlib.sha256(b" ".join(digests.tolist())).hexdigest()[:16]


def digests(
    place: Path, files: Sequence[ImageFile], say: Callable[[str], None] = on_stderr
) -> np.ndarray:
    """The digest of each image's content: S32 (N,), hex digits.

    A file whose path, size and time of change are the same as in an earlier call is not read again.
    Raises BadInput naming a file that cannot be read.
    """
    files = ImageFiles.of(files)
    keys = _keys(files)
    held, found = _held(place, files, keys)
    new = np.flatnonzero(~held)
    if len(new):
        count = Counting("images read once, to recognise them later", len(new), say)
        # Hashing releases the interpreter lock.
        for i, digest in zip(new, mapped(lambda file: _digest(file), files.take(new)), strict=True):
            found[i] = digest
            count.one()
        _keep(place, files, keys, found)
    return found


def known(place: Path, files: Sequence[ImageFile]) -> np.ndarray | None:
    """The digests, if few or no files have to be read for them; else None."""
    files = ImageFiles.of(files)
    held, _ = _held(place, files, _keys(files))
    if files.column("size")[~held].sum() >= KEPT:
        return None
    return digests(place, files)


def keep(place: Path, files: Sequence[ImageFile], digests: np.ndarray) -> None:
    """Keep the digests of the files at `place`; on the disk too, if the files take long to read."""
    files = ImageFiles.of(files)
    _keep(place, files, _keys(files), digests)


def digest_of(data: bytes) -> str:
    """The digest of a file with the content `data`."""
    return hashlib.sha256(data).hexdigest()[:32]


def _digest(file: ImageFile) -> str:
    try:
        with file.path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()[:32]
    except OSError as error:
        raise BadInput(f"{file.path}: cannot be read: {error.strerror}") from error


def _keys(files: ImageFiles) -> np.ndarray:
    """A hash of each file's path, size and time, S16 (N,): it differs once the file has changed."""
    folders = [os.fsencode(folder.absolute()) + b"/" for folder in files.table.folders]
    rows = zip(
        files.names(folders), files.column("size").tolist(), files.column("changed").tolist(),
        strict=True,
    )  # fmt: skip
    hashes = (hashlib.blake2b(b"%d %d %s" % (s, c, n), digest_size=16).digest() for n, s, c in rows)
    return np.fromiter(hashes, KNOWN["key"], len(files))


def _held(place: Path, files: ImageFiles, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which digests are known to this process or on the disk, bool (N,), and these digests."""
    held, found = _looked_up(_seen, keys)
    kept = None if held.all() else _kept_at(place, files)
    if kept is not None:
        other, its = _looked_up(_known(kept), keys)
        found[other], held = its[other], held | other
    return held, found


def _looked_up(known: np.ndarray, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = np.zeros(len(keys), KNOWN["digest"])
    if not len(known):
        return np.zeros(len(keys), bool), found
    at = np.searchsorted(known["key"], keys).clip(max=len(known) - 1)
    held = known["key"][at] == keys
    found[held] = known["digest"][at[held]]
    return held, found


def _keep(place: Path, files: ImageFiles, keys: np.ndarray, digests: np.ndarray) -> None:
    from runner.records import atomic_write

    global _seen
    settled = files.column("changed") < time.time_ns() - RECENT
    found = np.empty(int(settled.sum()), KNOWN)
    found["key"], found["digest"] = keys[settled], digests[settled]
    others = _seen[~np.isin(_seen["key"], found["key"])]
    _seen = _sorted(np.concatenate([others, found]))
    kept = _kept_at(place, files)
    if kept is None:
        return
    content = io.BytesIO()
    np.save(content, _sorted(found))
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        atomic_write.replace(kept, content.getvalue())
    except OSError:  # a full or read-only disk: the next call reads the files again
        pass


def _sorted(known: np.ndarray) -> np.ndarray:
    return known[np.argsort(known["key"], kind="stable")]


def _kept_at(place: Path, files: ImageFiles) -> Path | None:
    """The file for the digests of the images at `place`; None if they are quick to read."""
    if files.column("size").sum() < KEPT:
        return None
    return home() / "digests" / hashlib.sha256(os.fsencode(place.absolute())).hexdigest()[:16]


def _known(kept: Path) -> np.ndarray:
    """The digests in the file `kept`; none if it cannot be read."""
    try:
        found = np.load(io.BytesIO(kept.read_bytes()), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return _NONE
    return _sorted(found) if found.dtype == KNOWN and found.ndim == 1 else _NONE

"""Writing files so that a crash leaves the old state or the new one, never half of either."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from pathlib import Path

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES}
TEMPORARY = ".tmp"  # ends the name of every temporary file, which starts with a dot


def create(path: Path, data: bytes) -> bool:
    """Make the file `path` with `data`, whole and synced, unless it is there: then False.

    The name appears at once with its whole content, by a hard link to a synced temporary file.
    Where the file system has no links, an empty file reserves the name first; a reader takes such
    a one for torn. Raises OSError (disk full, not writable); then nothing has changed.
    """
    temporary = _temporary(path, data, sync=True)
    try:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            try:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
            except FileExistsError:
                return False
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    sync_folder(path.parent)
    return True


def replace(path: Path, data: bytes, sync: bool = True) -> None:
    """Write `data` over `path`: a reader sees all of the old content or all of the new."""
    temporary = _temporary(path, data, sync)
    try:
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
    if sync:
        sync_folder(path.parent)


def read(path: Path) -> bytes:
    """The bytes of `path`. A symbolic link is refused (OSError, errno ELOOP)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def sync_folder(folder: Path) -> None:
    """Make names in `folder` survive a power cut, where the file system can do that."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(descriptor)


def _temporary(path: Path, data: bytes, sync: bool) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex}{TEMPORARY}"
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return temporary

"""Write files so that a crash leaves the complete old state or the complete new state.

Every call that touches the file system is a function of the module os, so that a test can make each
of them fail in turn.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from tricks.errors import BadInput

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES}
TEMPORARY = ".tmp"  # ends the name of every temporary file, which starts with a dot
LARGEST = 1 << 30  # bytes of the largest file that is read


class NotAFile(OSError):
    """A symbolic link, a folder, a pipe or a device is in the place of a file."""


@contextlib.contextmanager
def output(beginning: Path | str) -> Iterator[None]:
    """A context in which a command writes its output.

    An OSError becomes BadInput. beginning: of its message, such as the file that is written.
    """
    try:
        yield
    except OSError as error:
        raise BadInput(f"{beginning}: {error.strerror or error}") from error


def create(path: Path, data: bytes) -> bool:
    """Create the file `path` with `data`, complete and synced. Returns False if it exists already.

    The name appears with its complete content, by a hard link to a synced temporary file. If the
    file system has no links, an empty file reserves the name first, and readers treat it as
    incomplete. Raises OSError (disk full, not writable): then the file does not exist, or, if only
    its folder could not be synced, it exists completely.
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
    """Write `data` over `path`: a reader sees the complete old or the complete new content."""
    replace_all({path: data}, sync)


def replace_all(contents: Mapping[Path, bytes], sync: bool = True) -> None:
    """`replace` for several files of a folder: no file is replaced before all are on the disk.

    So a full disk changes no file. A kill may come between two replacements; they happen in the
    given order.
    """
    ready: dict[Path, Path] = {}
    try:
        for path, data in contents.items():
            ready[path] = _temporary(path, data, sync)
        for path in contents:
            os.replace(ready[path], path)
            del ready[path]
    finally:
        for temporary in ready.values():
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    if sync:
        for folder in dict.fromkeys(path.parent for path in contents):
            sync_folder(folder)


def read(path: Path | str, most: int = LARGEST) -> bytes:
    """The bytes of `path`. Raises OSError; NotAFile for a symbolic link, a folder or a device."""
    with open(opened(path), "rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
        return file.readall()


def opened(path: Path | str) -> int:
    """A descriptor of the plain file `path`, to be read. Raises as `read` does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link; a socket
            raise NotAFile(error.errno, "it is no plain file", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFile(errno.EINVAL, "it is no plain file", str(path))
    return descriptor


def sync_folder(folder: Path) -> None:
    """Make names in `folder` survive a power cut, if the file system supports it."""
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
    try:
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return temporary

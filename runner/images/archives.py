"""Archives of images (.zip, .tar, .tar.gz, ...): unpacked once into the cache folder, safely.

Only plain files and links within the archive are unpacked; a member outside the folder is refused.
The unpacked folder is named by the archive's content, and is complete or absent.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from runner.images.cache_home import home
from runner.images.content import digests
from runner.images.counting import Counting, on_stderr
from runner.images.walk import LEFTOVERS, image_file
from runner.text import size
from tricks.errors import BadInput

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
SPARE = 1 << 30  # bytes of the disk that stay free
GROWS, SMALL_ARCHIVE = 100, 1 << 30  # an archive may grow GROWS times, or up to SMALL_ARCHIVE bytes
CHUNK = 1 << 20
UTF8 = 0x800  # the flag of a zip's member whose name is UTF-8
OUTSIDE = "is a link to a place outside the archive, or to a folder: not unpacked"
WHOLE = "whole"  # a file with the number of unpacked files


class Member(NamedTuple):
    """A file of an archive. opened: a function that opens it."""

    name: str
    size: int
    opened: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Whether `path` is a file with the name of an archive."""
    return path.name.lower().endswith(SUFFIXES) and path.is_file()


def folder_at(path: Path) -> Path:
    """The folder of images that `path` means: `path` itself, or the unpacked folder of an archive.

    If the archive holds one folder with everything in it, that folder. Raises BadInput for an
    archive that is damaged, unsafe, or too large for the disk.
    """
    if not is_archive(path):
        return path
    top = unpacked(path)
    inside = [entry for entry in sorted(top.iterdir()) if not _passed(entry.name)]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else top


def unpacked(archive: Path) -> Path:
    """The folder with the files of `archive`, unpacked unless it is there already."""
    file = image_file(archive)
    if file is None:
        raise BadInput(f"{archive}: there is no such file: check the path")
    place = root() / digests(archive, [file])[0].decode()
    name = archive.name[: -len(next(s for s in SUFFIXES if archive.name.lower().endswith(s)))]
    if is_whole(place):
        _note(place, archive)
        return next(entry for entry in place.iterdir() if entry.is_dir())
    fresh = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        shutil.rmtree(place, ignore_errors=True)
        _clear(place)
        fresh.mkdir(parents=True)
        with _members(archive) as members:
            count = _unpack(archive, members, fresh / (name.strip(".") or "images"))
        (fresh / WHOLE).write_bytes(b"%d\n%s" % (count, _line(archive)))
        try:
            fresh.rename(place)
        except OSError:  # another process was faster
            if not is_whole(place):
                raise
    except OSError as error:
        raise BadInput(f"{archive}: cannot be unpacked into {place}: {error.strerror}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return next(entry for entry in place.iterdir() if entry.is_dir())


def root() -> Path:
    """The folder of all unpacked archives, each in a folder named by the archive's content."""
    return home() / "unpacked"


def unpacked_from(place: Path) -> list[Path]:
    """The archives that were unpacked into this folder, as noted in it."""
    try:
        return [Path(os.fsdecode(line)) for line in (place / WHOLE).read_bytes().split(b"\n")[1:]]
    except OSError:
        return []


def is_whole(place: Path) -> bool:
    """Whether all files that were unpacked are still there."""
    try:
        count = int((place / WHOLE).read_bytes().split(b"\n")[0])
    except (OSError, ValueError):
        return False
    return count == sum(len(files) for _, _, files in os.walk(place)) - 1


def _line(archive: Path) -> bytes:
    return os.fsencode(archive.absolute()).replace(b"\n", b"?")


def _note(place: Path, archive: Path) -> None:
    """Note another archive with this content, so that `doctor` knows that the folder is used."""
    from runner.records import atomic_write

    if archive.absolute() in unpacked_from(place):
        return
    with contextlib.suppress(OSError):
        before = (place / WHOLE).read_bytes()
        atomic_write.replace(place / WHOLE, before + b"\n" + _line(archive))


def _clear(place: Path) -> None:
    """Remove partial copies of `place` that ended processes have left."""
    for left in place.parent.glob(f"{place.name}.*"):
        try:
            os.kill(int(left.suffix[1:]), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except (ValueError, OSError):
            continue


def _unpack(archive: Path, members: list[Member], to: Path) -> int:
    """Write the files below `to`. Returns their number. Raises BadInput for an unsafe file."""
    total = sum(member.size for member in members)
    free = shutil.disk_usage(to.parent).free
    if total > free - SPARE:
        raise BadInput(
            f"{archive}: unpacked it takes {size(total)}, but only {size(free)} are free"
        )
    if total > max(SMALL_ARCHIVE, GROWS * archive.stat().st_size):
        raise BadInput(
            f"{archive}: unpacked it would take {size(total)}, too much for an archive of images"
        )
    to.mkdir(exist_ok=True)
    count = Counting(f"files unpacked from {archive}", len(members), on_stderr)
    for member in members:
        path = to / _safe(archive, member.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with member.opened() as source, path.open("xb") as target:
            left = member.size
            while chunk := source.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise BadInput(
                        f"{archive}: {member.name} is larger than the archive says: "
                        "damaged or unsafe"
                    )
                target.write(chunk)
        count.one()
    return len(members)


def _safe(archive: Path, name: str) -> PurePosixPath:
    """The path of a member below the archive's folder. Raises BadInput for a path outside."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]:
        raise BadInput(f"{archive}: {name!r} would be written outside its folder: not unpacked")
    if "\0" in name:
        raise BadInput(f"{archive}: {name!r} is not a valid file name")
    return path


@contextmanager
def _members(archive: Path) -> Iterator[list[Member]]:
    """The plain files of an archive, with links within it followed. Raises BadInput if damaged."""
    import lzma
    import zlib

    damaged = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)
    try:
        if archive.name.lower().endswith(".zip"):
            with zipfile.ZipFile(archive) as file:
                yield _of_zip(archive, file)
        else:
            with tarfile.open(archive) as file:
                yield _of_tar(archive, file)
    except (*damaged, NotImplementedError) as error:
        told = next(iter(str(error).splitlines()), type(error).__name__)
        raise BadInput(f"{archive}: damaged, or not an archive of this kind: {told}") from error


def _of_zip(archive: Path, file: zipfile.ZipFile) -> list[Member]:
    # Some programs on Windows end the names of folders with a backslash.
    known = {_zip_name(i): i for i in file.infolist() if not i.filename.endswith(("/", "\\"))}
    found = []
    for name, info in known.items():
        if info.flag_bits & 1:
            raise BadInput(f"{archive}: {name} is encrypted: unpack it yourself")
        target = info
        if stat.S_ISLNK(info.external_attr >> 16):
            aim = os.path.normpath(
                PurePosixPath(name).parent / file.read(info).decode(errors="replace")
            )
            if aim not in known or stat.S_ISLNK(known[aim].external_attr >> 16):
                raise BadInput(f"{archive}: {name} {OUTSIDE}")
            target = known[aim]
        found.append(Member(name, target.file_size, partial(file.open, target)))
    return found


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name of a file in a zip.

    Python reads a name without the flag for UTF-8 as code page 437, but macOS and others write
    UTF-8 without the flag.
    """
    if not info.flag_bits & UTF8:
        with contextlib.suppress(UnicodeError):
            return info.filename.encode("cp437").decode()
    return info.filename


def _of_tar(archive: Path, file: tarfile.TarFile) -> list[Member]:
    found: dict[str, Member] = {}
    known = {os.path.normpath(info.name): info for info in file.getmembers()}
    for info in file.getmembers():
        if info.isdir():
            continue
        if not (info.isreg() or info.issym() or info.islnk()):
            raise BadInput(f"{archive}: {info.name} is not a plain file: not unpacked")
        target = info
        for _ in range(10):  # links to links
            if target.isreg():
                break
            aim = target.linkname
            if target.issym():
                aim = os.path.join(os.path.dirname(target.name), aim)
            if os.path.normpath(aim) not in known:
                break
            target = known[os.path.normpath(aim)]
        if not target.isreg():
            raise BadInput(f"{archive}: {info.name} {OUTSIDE}")

        found[info.name] = Member(info.name, target.size, partial(_opened, file, target))
    return list(found.values())


def _opened(file: tarfile.TarFile, target: tarfile.TarInfo) -> IO[bytes]:
    source = file.extractfile(target)
    assert source is not None  # since it is a plain file
    return source


def _passed(name: str) -> bool:
    """Whether a walk skips a file or folder of this name."""
    return name.startswith(".") or name.lower() in LEFTOVERS

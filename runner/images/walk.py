"""One walk through a folder: its images, and what was passed over and why. Follows links."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tricks.errors import BadInput

EXTENSIONS = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))
# Folders and files that systems and archives leave among images, in lower case.
LEFTOVERS = frozenset((
    "@eadir", "#recycle", "#snapshot", "__macosx", "__pycache__", "$recycle.bin", "lost+found",
    "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini",
))  # fmt: skip
HIDDEN, LEFTOVER, OTHER = "hidden", "left by a system", "no image by its name"
DANGLING, LOOP, SPECIAL = "a link that leads nowhere", "a link back to a folder above", "no file"
GONE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)


class ImageFile(NamedTuple):
    """An image on the disk."""

    path: Path
    size: int  # bytes
    changed: int  # nanoseconds since the epoch: its content, its name or its rights
    key: tuple[int, int]  # device and inode: the same for two names of one file


class Passed(NamedTuple):
    """A file or a folder that is not used."""

    path: Path
    why: str


@dataclass(frozen=True, eq=False)
class Folder:
    """A folder without what was passed over; images and folders in the order of their names."""

    path: Path
    images: tuple[ImageFile, ...]  # directly in it
    folders: tuple[Folder, ...]

    @cached_property
    def all_images(self) -> tuple[ImageFile, ...]:
        """The images in it and in all folders below, sorted by path."""
        if not self.folders:
            return self.images
        found = [*self.images, *(image for below in self.folders for image in below.all_images)]
        return tuple(sorted(found))

    def holding(self) -> tuple[Folder, ...]:
        """Its folders that hold an image."""
        return tuple(folder for folder in self.folders if folder.all_images)


def walk(root: Path) -> tuple[Folder, tuple[Passed, ...]]:
    """What is below `root`. Links are followed, but none back to a folder that it is below of.

    Raises BadInput for a folder that is not there or cannot be listed.
    """
    passed: list[Passed] = []
    if not root.is_dir():
        raise BadInput(f"{root}: there is no such folder; give a folder that holds one a class")
    real = root.resolve()
    above = frozenset(_key(os.stat(folder)) for folder in (real, *real.parents))
    return _below(root, above, passed), tuple(passed)


def images_below(path: Path) -> tuple[tuple[ImageFile, ...], tuple[Passed, ...]]:
    """Every image below the folder, and what was passed over. Raises BadInput if there is none."""
    found, passed = walk(path)
    if not found.all_images:
        raise BadInput(f"{path}: no images in it ({', '.join(sorted(EXTENSIONS))})")
    return found.all_images, passed


def image_file(path: Path) -> ImageFile | None:
    """The image at `path`; None if no file is there."""
    try:
        info = os.stat(path)
    except (OSError, ValueError):  # or a name with a null byte
        return None
    return (
        ImageFile(path, info.st_size, _changed(info), _key(info))
        if stat.S_ISREG(info.st_mode)
        else None
    )


def _below(folder: Path, above: frozenset[tuple[int, int]], passed: list[Passed]) -> Folder:
    images, folders = [], []
    for path in _entries(folder):
        name = path.name.lower()
        if name.startswith(".") or name in LEFTOVERS:
            passed.append(Passed(path, HIDDEN if name.startswith(".") else LEFTOVER))
            continue
        try:
            info = os.stat(path)
        except OSError as error:
            if error.errno not in GONE:
                raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
            passed.append(Passed(path, DANGLING))
            continue
        if stat.S_ISDIR(info.st_mode):
            if _key(info) in above:
                passed.append(Passed(path, LOOP))
            else:
                folders.append(_below(path, above | {_key(info)}, passed))
        elif not stat.S_ISREG(info.st_mode):
            passed.append(Passed(path, SPECIAL))
        elif path.suffix.lower() not in EXTENSIONS:
            passed.append(Passed(path, OTHER))
        else:
            images.append(ImageFile(path, info.st_size, _changed(info), _key(info)))
    return Folder(folder, tuple(images), tuple(folders))


def _entries(folder: Path) -> Iterator[Path]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise BadInput(f"{folder}: cannot be listed: {error.strerror}") from error
    return (folder / name for name in names)


def _changed(info: os.stat_result) -> int:
    """An archive or `cp -p` sets the time of a file's content, but not that of its inode."""
    return max(info.st_mtime_ns, info.st_ctime_ns)


def _key(info: os.stat_result) -> tuple[int, int]:
    return info.st_dev, info.st_ino

"""One walk through a folder: its images, and skipped files with reasons. Follows links."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from runner.images.file_list import FileTable, ImageFile, ImageFiles
from tricks.errors import BadInput

EXTENSIONS = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))
ENDINGS = tuple(EXTENSIONS)
# Folders and files that operating systems and archives leave among images, in lower case.
LEFTOVERS = frozenset((
    "@eadir", "#recycle", "#snapshot", "__macosx", "__pycache__", "$recycle.bin", "lost+found",
    "system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini",
))  # fmt: skip
HIDDEN, LEFTOVER, OTHER = "hidden", "left by a system", "not named like an image"
DANGLING, LOOP, SPECIAL = "a broken link", "a link to a folder above it", "not a plain file"
GONE_ERRORS = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR)


class Passed(NamedTuple):
    """A skipped file or folder."""

    path: Path
    why: str


@dataclass(frozen=True, eq=False)
class Folder:
    """A folder without skipped files; images and folders are sorted by name."""

    path: Path
    images: ImageFiles  # directly in the folder
    folders: tuple[Folder, ...]

    @cached_property
    def all_images(self) -> ImageFiles:
        """The images in this folder and in all folders below, sorted by path."""
        if not self.folders:
            return self.images
        return ImageFiles.joined(
            [self.images, *(below.all_images for below in self.folders)]
        ).ordered()

    def holding(self) -> tuple[Folder, ...]:
        """Its subfolders that have an image at any depth."""
        return tuple(folder for folder in self.folders if len(folder.all_images))


def walk(root: Path) -> tuple[Folder, tuple[Passed, ...]]:
    """The folder `root`, and skipped files. Follows links, except links to a folder above.

    Raises BadInput for a folder that is missing or cannot be listed.
    """
    passed: list[Passed] = []
    if not root.is_dir():
        raise BadInput(
            f"{root}: there is no such folder; give a folder with one subfolder per class"
        )
    real = root.resolve()
    above = frozenset(_key(os.stat(folder)) for folder in (real, *real.parents))
    return _below(root, above, FileTable(), passed), tuple(passed)


def images_below(path: Path) -> tuple[ImageFiles, tuple[Passed, ...]]:
    """Every image below the folder, and skipped files. Raises BadInput if there is no image."""
    found, passed = walk(path)
    if not len(found.all_images):
        raise BadInput(f"{path}: no images in it ({', '.join(sorted(EXTENSIONS))})")
    return found.all_images, passed


def image_file(path: Path) -> ImageFile | None:
    """The image at `path`; None if there is no file."""
    try:
        info = os.stat(path)
    except (OSError, ValueError):  # or a name with a null byte
        return None
    return (
        ImageFile(path, info.st_size, _changed(info), _key(info))
        if stat.S_ISREG(info.st_mode)
        else None
    )


def _below(
    folder: Path, above: frozenset[tuple[int, int]], table: FileTable, passed: list[Passed]
) -> Folder:
    images, folders = [], []
    for name in _entries(folder):
        hidden = name.startswith(".")
        if hidden or name.lower() in LEFTOVERS:
            passed.append(Passed(folder / name, HIDDEN if hidden else LEFTOVER))
            continue
        try:
            info = os.stat(os.path.join(folder, name))
        except OSError as error:
            if error.errno not in GONE_ERRORS:
                raise BadInput(f"{folder / name}: cannot be read: {error.strerror}") from error
            passed.append(Passed(folder / name, DANGLING))
            continue
        if stat.S_ISDIR(info.st_mode):
            if _key(info) in above:
                passed.append(Passed(folder / name, LOOP))
            else:
                folders.append(_below(folder / name, above | {_key(info)}, table, passed))
        elif not stat.S_ISREG(info.st_mode):
            passed.append(Passed(folder / name, SPECIAL))
        elif not name.lower().endswith(ENDINGS):
            passed.append(Passed(folder / name, OTHER))
        else:
            images.append(table.append(folder, name, info.st_size, _changed(info), _key(info)))
    return Folder(folder, ImageFiles(table, np.array(images, np.int64)), tuple(folders))


def _entries(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise BadInput(f"{folder}: cannot be listed: {error.strerror}") from error


def _changed(info: os.stat_result) -> int:
    """The later of a file's two times: archives and `cp -p` set the mtime, but not the ctime."""
    return max(info.st_mtime_ns, info.st_ctime_ns)


def _key(info: os.stat_result) -> tuple[int, int]:
    return info.st_dev, info.st_ino

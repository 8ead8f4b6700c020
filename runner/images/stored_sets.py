"""Images in the cache folder: unpacked archives, and data sets written from Python."""

from __future__ import annotations

import os
import time
from pathlib import Path

from runner.images import archives, written
from runner.images.caches import LEFT, OLD, Kept
from runner.images.content import digests
from runner.images.walk import image_file

TORN = "not whole"


def unpacked() -> tuple[Kept, ...]:
    """Unpacked archives. An unpacked archive is of no use once the archive itself is gone."""
    return tuple(_unpacked(folder) for folder in _folders(archives.root()))


def data_sets() -> tuple[Kept, ...]:
    """Data sets that were written from Python. They are of no use once no task refers to them."""
    names = written.named_sets()
    return tuple(
        _data_set(folder, names.get(folder.name, []))
        for folder in _folders(written.root())
        if folder.name != written.NAMES
    )


def _unpacked(folder: Path) -> Kept:
    places = archives.unpacked_from(folder)
    fault = ""
    if "." in folder.name:  # of a running process, or half removed
        fault = LEFT if _old(folder) else ""
    elif not archives.is_whole(folder):
        fault = TORN
    elif places and not any(_holds(place, folder.name) for place in places):
        gone = not any(place.is_file() for place in places)
        fault = "its archive was removed" if gone else "its archive has changed"
    return _kept(folder, tuple(map(str, places)), fault)


def _data_set(folder: Path, names: list[str]) -> Kept:
    fault = ""
    if folder.name.startswith((written.PART, ".")):
        fault = LEFT if _old(folder) else ""
    elif not (folder / written.LIST).is_file():
        fault = TORN
    elif not names and _old(folder):  # a new folder's name may not be written yet
        fault = "no task refers to it any more"
    return _kept(folder, tuple(names), fault)


def _holds(archive: Path, digest: str) -> bool:
    file = image_file(archive)
    return file is not None and digests(archive, [file])[0].decode() == digest


def _kept(folder: Path, places: tuple[str, ...], fault: str) -> Kept:
    """The folder with its size and images; the file that lists or counts images does not count."""
    files = [Path(top, name) for top, _, names in os.walk(folder) for name in names]
    sizes = [file.lstat().st_size for file in files if file.is_symlink() or file.exists()]
    changed = folder.stat().st_mtime if folder.exists() else 0.0
    return Kept(folder, sum(sizes), changed, max(0, len(files) - 1), places, fault)


def _old(folder: Path) -> bool:
    """Whether nothing in `folder` was written for a long time."""
    places = [folder, *(Path(top, name) for top, names, _ in os.walk(folder) for name in names)]
    last = max((place.stat().st_mtime for place in places if place.exists()), default=0.0)
    return time.time() - last > OLD


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir())
    except OSError:
        return []

"""All image caches of this user: their place, their size, and which are removed first."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from runner.images.cache import MANIFEST, Cache, opened
from runner.images.cache_home import home
from runner.images.counting import Counting
from runner.images.decoding import VERSION

SHARE = 4  # caches take at most 1/SHARE of the disk's free space and their own
PART = ".part"  # ends the name of a cache that is being written
GONE = ".gone"  # ends the name of a cache that is being removed
LEFT = "left half written"
OTHERS = (PART, GONE)  # not to be touched while a process may work on them
OLD = 86_400.0  # seconds without a write after which a killed process must have left the part


@dataclass(frozen=True)
class Kept:
    """A cache on the disk. fault: why it cannot be used, or ""."""

    folder: Path
    bytes: int
    used: float  # seconds since the epoch
    images: int
    places: tuple[str, ...]  # folders or files of the images
    fault: str


def root() -> Path:
    """The folder of all image caches."""
    return home() / "images"


def folder_of(content: str, side: int) -> Path:
    """The folder for the cache of images with this content, decoded by the installed versions."""
    import PIL
    from PIL import features

    jpeg = [features.version_feature("libjpeg_turbo"), features.version_codec("jpg")]
    text = f"{content} {VERSION} {side} {PIL.__version__} {jpeg}"
    return root() / hashlib.sha256(text.encode()).hexdigest()[:16]


def kept() -> tuple[Kept, ...]:
    """All caches, the least recently used first."""
    try:
        folders = [path for path in root().iterdir() if path.is_dir()]
    except OSError:
        return ()
    return tuple(sorted(map(_kept, folders), key=lambda cache: cache.used))


def examined(say: Callable[[str], None]) -> tuple[Kept, ...]:
    """As `kept`, after reading all pixels: pixels that have changed are a fault."""
    found = kept()
    count = Counting("image caches read", len(found), say)
    examined = []
    for one in found:
        cache = None if one.fault else opened(one.folder)
        bad = 0 if cache is None else sum(1 for _ in cache.damaged())
        examined.append(replace(one, fault=f"{bad:,} of its images changed") if bad else one)
        count.one()
    return tuple(examined)


def allowed(gigabytes: float | None) -> int:
    """Bytes that all caches together may take; gigabytes None: a share of the disk."""
    if gigabytes is not None:
        return int(gigabytes * 1e9)
    place = next(path for path in (root(), *root().parents) if path.exists())
    return (shutil.disk_usage(place).free + sum(cache.bytes for cache in kept())) // SHARE


def make_room(most: int, beside: Path) -> None:
    """Remove caches, least recently used first but not `beside`, until all take `most` bytes."""
    found = kept()
    total = sum(cache.bytes for cache in found)
    for cache in found:
        if total <= most:
            return
        if cache.folder != beside and not cache.folder.name.endswith(OTHERS):
            remove(cache.folder)
            total -= cache.bytes


def tidy() -> None:
    """Remove half-written caches of killed processes."""
    for cache in kept():
        if cache.fault == LEFT:
            remove(cache.folder)


def remove(folder: Path) -> None:
    """Remove a cache. Processes that have mapped it can still read it."""
    gone = folder.with_name(f".{folder.name}.{os.getpid()}{GONE}")
    try:
        folder.rename(gone)
    except OSError:
        gone = folder
    shutil.rmtree(gone, ignore_errors=True)


def used_now(cache: Cache) -> None:
    """Note the use of a cache, so that other caches are removed before it."""
    with contextlib.suppress(OSError):
        os.utime(cache.folder / MANIFEST)


def _kept(folder: Path) -> Kept:
    cache = None if folder.name.endswith(OTHERS) else opened(folder)
    taken = sum(_bytes(folder))
    if cache is None:
        fault = "not whole" if not folder.name.endswith(OTHERS) else _left(folder)
        return Kept(folder, taken, _changed(folder), 0, (), fault)
    places = tuple(cache.manifest["places"])
    gone = "" if any(Path(place).exists() for place in places) else "its images were removed"
    return Kept(folder, taken, _changed(folder / MANIFEST), len(cache.index), places, gone)


def _left(folder: Path) -> str:
    last = max(map(_changed, _files(folder)), default=_changed(folder))
    return LEFT if time.time() - last > OLD else ""


def _bytes(folder: Path) -> Iterator[int]:
    for path in _files(folder):
        with contextlib.suppress(OSError):
            yield path.stat().st_size


def _files(folder: Path) -> list[Path]:
    """The files of a cache; none if another process has just removed it."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0

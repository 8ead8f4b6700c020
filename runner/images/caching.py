"""The image cache of some originals: found, or built once even if several processes ask for it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.images import caches
from runner.images.cache import MANIFEST, Cache, opened
from runner.images.cache_build import build, checked, finish
from runner.images.originals import Originals
from runner.records import atomic_write
from runner.text import counted, size

Say = Callable[[str], None]
MORE = 1.5  # a cache of some images is built again once it may take MORE times its room


@dataclass(frozen=True)
class Ready:
    """Images that can be trained on. cache: the decoded images, if there is a cache.

    notes: lines about warnings of the decoder, and about images outside the cache.
    """

    cache: Path | None
    notes: tuple[str, ...]


def ready(originals: Originals, side: int, gigabytes: float | None, say: Say) -> Ready:
    """The cache of `originals` at `side`, built if missing. Without a cache, images are checked.

    gigabytes: the limit of all caches together; None: a share of the disk; 0: no cache. Raises
    BadInput naming the first image that cannot be read.
    """
    most = caches.allowed(gigabytes)
    if most <= 0:
        return Ready(None, complained(originals, checked(originals, say).complaints))
    try:
        with _alone(originals, say):
            cache = _found(originals, side, most) or _built(originals, side, most, say)
    except OSError as error:
        found = checked(originals, say)
        why = f"no image cache in {caches.root()} ({error.strerror or error}): images are decoded"
        return Ready(None, (*complained(originals, found.complaints), f"{why} in every epoch"))
    caches.used_now(cache)
    notes = complained(originals, cache.manifest["complaints"])
    if not cache.whole:
        left = len(cache.index) - cache.cached
        notes += (
            f"the image cache holds {cache.cached:,} of {counted(len(cache.index), 'image')} in "
            f"{size(cache.bytes)}: {left:,} are decoded in every epoch; --cache-gb allows more",
        )
    return Ready(cache.folder, notes)


def there(originals: Originals, side: int) -> Cache | None:
    """The cache of `originals` at `side`, of all or of some images, if it was built before."""
    known = originals.known()
    return None if known is None else opened(caches.folder_of(known, side))


def complained(originals: Originals, complaints: Sequence[Sequence[int | str]]) -> tuple[str, ...]:
    """One line for each warning of the decoder, with the first image and the number of others."""
    places: dict[str, list[int]] = {}
    for place, line in complaints:
        places.setdefault(str(line), []).append(int(place))
    return tuple(
        f"{originals.name(held[0])}"
        f"{f' and {len(held) - 1:,} more' if len(held) > 1 else ''}: {line}"
        for line, held in places.items()
    )


def _found(originals: Originals, side: int, most: int) -> Cache | None:
    """The existing cache, unless it holds only some images and may take much more room now."""
    cache = there(originals, side)
    if cache is None or (not cache.whole and most > MORE * cache.manifest["room"]):
        return None
    place = str(originals.place.absolute())
    if place not in cache.manifest["places"]:
        places = [*cache.manifest["places"], place]
        with contextlib.suppress(OSError):
            changed = json.dumps({**cache.manifest, "places": places}, indent=1)
            atomic_write.replace(cache.folder / MANIFEST, changed.encode())
    return cache


def _built(originals: Originals, side: int, most: int, say: Say) -> Cache:
    caches.tidy()
    part = Path(tempfile.mkdtemp(suffix=caches.PART, dir=caches.root()))
    try:
        found = build(originals, side, part, most, say)
        content = originals.read(found.digests)
        finish(part, found, side, content, most, str(originals.place.absolute()))
        cache = _placed(part, caches.folder_of(content, side))
    except BaseException:
        caches.remove(part)
        raise
    caches.make_room(most, beside=cache.folder)
    return cache


def _placed(part: Path, folder: Path) -> Cache:
    """Move the cache in `part` to its place, unless another process has built the same cache.

    Raises OSError if the cache has changed since it was written.
    """
    own, other = opened(part), opened(folder)
    if own is None:
        raise OSError("its bytes have changed since it was written")
    if other is None or other.cached < own.cached:
        if folder.exists():  # damaged, or of some of the images
            caches.remove(folder)
        try:
            part.rename(folder)
        except OSError:  # another process was faster
            if opened(folder) is None:
                raise
    caches.remove(part)
    cache = opened(folder)
    if cache is None:
        raise OSError("another process removed it at once")
    return cache


@contextlib.contextmanager
def _alone(originals: Originals, say: Say) -> Iterator[None]:
    """A lock: no other process of this user looks for the cache of the same images."""
    name = hashlib.sha256(os.fsencode(originals.place.absolute())).hexdigest()[:16]
    caches.root().mkdir(parents=True, exist_ok=True)
    with open(caches.root() / f".{name}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that decodes the images in {originals.place}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:  # no locks here: two processes may build it, and the later cache stays
            pass
        yield

"""Builds an image cache: every image is read once, and hashed and decoded from what was read."""

from __future__ import annotations

import json
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from io import FileIO
from itertools import islice
from pathlib import Path
from threading import Event

import numpy as np

from runner.execution.machine import cores
from runner.images.cache import FORMAT, INDEX, MANIFEST, PIXELS, ROW
from runner.images.counting import Counting
from runner.images.decoding import VERSION, Decoded, listening
from runner.images.originals import Originals
from runner.records import atomic_write

AHEAD = 8  # images a thread that may wait to be written


@dataclass
class Pass:
    """What a pass over images saw. complaints: (place, line) of the decoder's."""

    index: np.ndarray  # of ROW (N,)
    digests: list[str] = field(default_factory=list)
    complaints: list[tuple[int, str]] = field(default_factory=list)
    modes: dict[str, int] = field(default_factory=dict)
    held: int = 0
    bytes: int = 0

    def take(self, image: Decoded, digest: str) -> int:
        """Note the next image; its place."""
        place = len(self.digests)
        row = self.index[place]
        row["mode"] = self.modes.setdefault(image.mode, len(self.modes))
        row["tall"], row["wide"] = image.height, image.width
        self.digests.append(digest)
        self.complaints += [(place, line) for line in image.said]
        return place

    def hold(self, place: int, pixels: np.ndarray) -> None:
        """Note that its pixels are written."""
        row = self.index[place]
        row["start"], (row["height"], row["width"]) = self.bytes, pixels.shape[:2]
        row["check"] = zlib.crc32(pixels.data)
        self.held, self.bytes = place + 1, self.bytes + pixels.nbytes


@dataclass(frozen=True)
class Told:
    """What a cache is of. side: the shorter side of its images. room: bytes that it might take.

    content: the digest of all files. place: where they were.
    """

    side: int
    content: str
    room: int
    place: str


def checked(originals: Originals, say: Callable[[str], None]) -> Pass:
    """Decode every image and keep none, to know that it can be done.

    Raises BadInput naming the first that cannot be read.
    """
    found = _empty(originals)
    for image, digest in _decoded(originals, 0, lambda: True, "images checked", say):
        found.take(image, digest)
    return found


def build(
    originals: Originals, side: int, folder: Path, room: int, say: Callable[[str], None]
) -> Pass:
    """Write pixels and index of `originals`, each of a shorter side of at most `side` (0: any).

    Images are held from the first on, as long as they take at most `room` bytes and the disk has
    them; the others are only checked. Raises BadInput naming the first that cannot be read, OSError
    where nothing can be written to `folder`.
    """
    found, full = _empty(originals), Event()
    with open(folder / PIXELS, "wb", buffering=0) as file:
        what = "images decoded, once for all runs"
        for image, digest in _decoded(originals, side, full.is_set, what, say):
            place, pixels = found.take(image, digest), np.ascontiguousarray(image.pixels)
            if found.bytes + pixels.nbytes > room:
                full.set()
            if not full.is_set() and _written(file, pixels):
                found.hold(place, pixels)
            else:
                full.set()
        file.truncate(found.bytes)
        os.fsync(file.fileno())
    with open(folder / INDEX, "wb") as file:
        np.save(file, found.index)
        file.flush()
        os.fsync(file.fileno())
    return found


def finish(folder: Path, found: Pass, told: Told) -> None:
    """Write the manifest, which makes the cache in `folder` whole. Raises OSError."""
    manifest = {
        "format": FORMAT, "decoder": VERSION, "side": told.side, "content": told.content,
        "images": len(found.index), "held": found.held, "bytes": found.bytes, "room": told.room,
        "index": zlib.crc32((folder / INDEX).read_bytes()), "modes": list(found.modes),
        "complaints": found.complaints, "places": [told.place],
    }  # fmt: skip
    atomic_write.replace(folder / MANIFEST, json.dumps(manifest, indent=1).encode())


def _empty(originals: Originals) -> Pass:
    index = np.zeros(len(originals.sizes), ROW)
    index["size"] = originals.sizes
    return Pass(index)


def _decoded(
    originals: Originals,
    side: int,
    small: Callable[[], bool],
    what: str,
    say: Callable[[str], None],
) -> Iterator[tuple[Decoded, str]]:
    """Every image in turn, decoded by as many threads as there are cores: Pillow lets them.

    small: whether the pixels of what is asked for now are not wanted.
    """
    count = Counting(what, len(originals.sizes), say)
    places = iter(range(len(originals.sizes)))
    with listening(), ThreadPoolExecutor(cores()) as pool:

        def ask(number: int) -> list[Future[tuple[Decoded, str]]]:
            some = islice(places, number)
            return [pool.submit(originals.decoded, i, side, small()) for i in some]

        waiting = deque(ask(AHEAD * cores()))
        try:
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(ask(1))
                count.one()
                yield result
        finally:
            for future in waiting:
                future.cancel()


def _written(file: FileIO, pixels: np.ndarray) -> bool:
    """Whether the disk had room for them."""
    rest = memoryview(pixels.data).cast("B")
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        return False
    return True

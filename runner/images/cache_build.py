"""Build an image cache: every image is read once, and hashed and decoded from these bytes."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from threading import Event

import numpy as np

from runner.images.cache import FORMAT, INDEX, MANIFEST, PIXELS, ROW
from runner.images.counting import Counting
from runner.images.decoding import VERSION, Decoded, listening
from runner.images.originals import Originals
from runner.images.threads import mapped
from runner.records import atomic_write

AHEAD = 8  # decoded images per thread that may wait for writing


@dataclass
class Pass:
    """The results of one pass over images. complaints: (place, line) of the decoder's warnings."""

    index: np.ndarray  # of ROW (N,)
    digests: list[str] = field(default_factory=list)
    complaints: list[tuple[int, str]] = field(default_factory=list)
    modes: dict[str, int] = field(default_factory=dict)
    cached: int = 0
    bytes: int = 0

    def take(self, image: Decoded, digest: str) -> int:
        """Note the next image. Returns its place."""
        place = len(self.digests)
        row = self.index[place]
        row["mode"] = self.modes.setdefault(image.mode, len(self.modes))
        row["tall"], row["wide"] = image.height, image.width
        self.digests.append(digest)
        self.complaints += [(place, line) for line in image.said]
        return place

    def hold(self, place: int, pixels: np.ndarray) -> None:
        """Note that the image's pixels are written."""
        row = self.index[place]
        row["start"], (row["height"], row["width"]) = self.bytes, pixels.shape[:2]
        row["check"] = zlib.crc32(pixels.data)
        self.cached, self.bytes = place + 1, self.bytes + pixels.nbytes


def checked(originals: Originals, say: Callable[[str], None]) -> Pass:
    """Decode every image and keep none, to check that all can be read.

    Raises BadInput naming the first image that cannot be read.
    """
    found = _empty(originals)
    for image, digest in _decoded(originals, 0, lambda: True, "images checked", say):
        found.take(image, digest)
    return found


def build(
    originals: Originals, side: int, folder: Path, room: int, say: Callable[[str], None]
) -> Pass:
    """Write pixels and index of `originals`, with a shorter side of at most `side` (0: any).

    Stores the first images, as many as fit into `room` bytes and on the disk; the other images are
    only checked. Raises BadInput naming the first image that cannot be read, and OSError if nothing
    can be written to `folder`.
    """
    found, full = _empty(originals), Event()
    with open(folder / PIXELS, "wb", buffering=0) as file:
        counted_as = "images decoded, once for all runs"
        for image, digest in _decoded(originals, side, full.is_set, counted_as, say):
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


def finish(folder: Path, found: Pass, side: int, content: str, room: int, place: str) -> None:
    """Write the manifest, which completes the cache in `folder`. Raises OSError.

    side, room: as for `build`. content: the digest of all files. place: their folder or file.
    """
    manifest = {
        "format": FORMAT, "decoder": VERSION, "side": side, "content": content,
        "images": len(found.index), "held": found.cached, "bytes": found.bytes, "room": room,
        "index": zlib.crc32((folder / INDEX).read_bytes()), "modes": list(found.modes),
        "complaints": found.complaints, "places": [place],
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
    counted_as: str,
    say: Callable[[str], None],
) -> Iterator[tuple[Decoded, str]]:
    """Every image in turn. small: returns whether the pixels of the next images are not needed."""
    count = Counting(counted_as, len(originals.sizes), say)
    places = range(len(originals.sizes))
    with listening():
        for found in mapped(lambda i: originals.decoded(i, side, small()), places, AHEAD):
            count.one()
            yield found


def _written(file: FileIO, pixels: np.ndarray) -> bool:
    """Write pixels. Returns whether the disk had room."""
    rest = memoryview(pixels.data).cast("B")
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError:
        return False
    return True

"""Sizes and modes of images, from an image cache if there is one, else from headers of files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from runner.images import caches
from runner.images.cache import opened
from runner.images.counting import Counting, on_stderr
from runner.images.decoding import header, listening
from runner.images.listed import Listed
from runner.images.originals import originals
from runner.images.threads import mapped


@dataclass(frozen=True)
class Shapes:
    """Sizes and modes of images. sizes: (width, height) of the smallest and largest upright image.

    modes: Pillow's mode -> number of images. Unreadable files are not counted.
    """

    smallest: tuple[int, int]
    largest: tuple[int, int]
    modes: dict[str, int]

    def line(self) -> str:
        """The sizes as text; the modes too, unless all are RGB."""
        small, large = (f"{width}×{height}" for width, height in (self.smallest, self.largest))
        said = f"{small} pixels" if small == large else f"{small} to {large} pixels"
        if set(self.modes) != {"RGB"}:
            said += f"; modes {', '.join(f'{mode} {n:,}' for mode, n in self.modes.items())}"
        return said


def shapes(found: Listed) -> Shapes | None:
    """The shapes of the images of `found`; None if no header can be read."""
    rows = _cached(found) or _headers(found)
    if not rows:
        return None
    sizes = sorted({(width * height, width, height) for width, height, _ in rows})
    modes = Counter(mode for _, _, mode in rows)
    return Shapes(
        sizes[0][1:],
        sizes[-1][1:],
        dict(sorted(modes.items(), key=lambda item: (-item[1], item[0]))),
    )


def _cached(found: Listed) -> list[tuple[int, int, str]]:
    content = originals(found).known()
    cache = None if content is None else opened(caches.folder_of(content, 0))
    if cache is None:
        return []
    modes, index = cache.manifest["modes"], cache.index
    columns = (index[name].tolist() for name in ("wide", "tall", "mode"))
    return [(width, height, modes[mode]) for width, height, mode in zip(*columns, strict=True)]


def _headers(found: Listed) -> list[tuple[int, int, str]]:
    rows: list[tuple[int, int, str]] = []
    count = Counting("headers of images read", len(found.rows), on_stderr)
    with listening():  # training tells of the decoder's warnings
        for row in mapped(header, found.paths):
            count.one()
            if row is not None:
                rows.append(row)
    return rows

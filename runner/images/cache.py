"""An image cache: decoded images in one file, which all processes map into memory.

Pixels are uint8, image after image, row after row, RGB. An image from the cache has the same bits
and memory layout as the image that is decoded from its file.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.images.decoding import VERSION

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
PIXELS, INDEX, MANIFEST = "pixels", "index.npy", "manifest.json"
# start: offset of the pixels in the cache; height, width: as stored (0: not in the cache); tall,
# wide: of the upright original; mode: index of the manifest's modes; check: CRC-32; size: bytes of
# the image's file.
ROW = np.dtype([
    ("start", "<i8"), ("height", "<i4"), ("width", "<i4"), ("tall", "<i4"), ("wide", "<i4"),
    ("mode", "<i2"), ("check", "<u4"), ("size", "<i8"),
])  # fmt: skip


@dataclass(frozen=True)
class Cache:
    """The decoded images of a task, or the first of them, as many as have room.

    pixels: mapped on opening, so that they stay readable if another process removes the cache.
    """

    folder: Path
    manifest: dict[str, Any]
    index: np.ndarray  # of ROW (N,), all images of the task
    pixels: np.ndarray  # uint8 (bytes,)

    def __reduce__(self) -> tuple[Callable[[Path], Cache], tuple[Path]]:
        return (_reopened, (self.folder,))  # another process maps the file itself

    @property
    def cached(self) -> int:
        """The number of images in the cache: the first of all images."""
        return int(self.manifest["held"])

    @property
    def whole(self) -> bool:
        """Whether all images are in the cache."""
        return self.cached == len(self.index)

    @property
    def bytes(self) -> int:
        return int(self.manifest["bytes"])

    @cached_property
    def tensor(self) -> Tensor:
        """All pixels, uint8 (bytes,), mapped read-only."""
        import warnings

        import torch

        with warnings.catch_warnings():  # torch warns that the array is read-only
            warnings.simplefilter("ignore")
            return torch.from_numpy(self.pixels)

    @cached_property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the images in the cache, if all are equal; else None."""
        first = self.index[: self.cached]
        if not len(first):
            return None
        height, width = int(first["height"][0]), int(first["width"][0])
        one = (first["height"] == height).all() and (first["width"] == width).all()
        return (height, width) if one else None

    def read(self, place: int) -> Tensor:
        """The image at `place`, uint8 (3, H, W), as a view of the mapped file."""
        start, height, width = (column.item(place) for column in self._columns)
        pixels = self.tensor[start : start + 3 * height * width]
        return pixels.view(height, width, 3).permute(2, 0, 1)

    def damaged(self) -> Iterator[int]:
        """The places of images whose pixels have changed since they were written."""
        for place, row in enumerate(self.index[: self.cached]):
            start, length = int(row["start"]), 3 * int(row["height"]) * int(row["width"])
            if zlib.crc32(self.pixels[start : start + length].data) != int(row["check"]):
                yield place

    @cached_property
    def _columns(self) -> tuple[np.ndarray, ...]:
        return tuple(
            np.ascontiguousarray(self.index[name]) for name in ("start", "height", "width")
        )


def opened(folder: Path) -> Cache | None:
    """The cache in `folder`; None if there is none, or if it has changed since it was written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        raw = (folder / INDEX).read_bytes()
        whole = (
            manifest["format"] == FORMAT
            and manifest["decoder"] == VERSION
            and manifest["index"] == zlib.crc32(raw)
        )
        index = np.load(BytesIO(raw), allow_pickle=False)
        pixels = _mapped(folder / PIXELS)
        whole = whole and len(pixels) == manifest["bytes"]
        if not (whole and index.dtype == ROW and 0 <= manifest["held"] <= len(index)):
            return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return Cache(folder, manifest, index, pixels)


def _mapped(file: Path) -> np.ndarray:
    """The bytes of a file, which may be empty."""
    if not file.stat().st_size:
        return np.zeros(0, np.uint8)
    return np.memmap(file, np.uint8, "r")


def _reopened(folder: Path) -> Cache:
    found = opened(folder)
    if found is None:
        raise OSError(f"the image cache {folder} was removed")
    return found

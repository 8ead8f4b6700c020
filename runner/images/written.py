"""Images from Python, written once into the cache folder: files, and a CSV that lists them.

After that they are like any other images of the user, and only the files are read.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from runner.images.cache_home import home
from runner.images.counting import Counting
from runner.images.decoding import rgb, upright
from runner.records import atomic_write
from tricks.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

Pixels: TypeAlias = "Image | np.ndarray | Tensor | bytes"  # bytes: the content of an image file
Labelled: TypeAlias = tuple[Pixels, str]
LIST = "images.csv"
PART = "part-"  # begins the name of a folder that is being written
NAMES = "names"  # the folder of notes: which data set a name refers to
PLAIN = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")  # modes that a PNG keeps
ENDING_OF = {  # MPO: a phone's JPEG with another picture behind it
    "JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif",
}  # fmt: skip


class Note(msgspec.Struct, frozen=True):
    """A name of a data set: `set` is its folder, and `stamp` changes once it has other images."""

    name: str
    stamp: str
    set: str


def root() -> Path:
    """The folder of written images, with one subfolder per data set, named by its content."""
    return home() / "datasets"


def written(
    parts: Mapping[str, Iterable[Labelled]], total: int, say: Callable[[str], None]
) -> Path:
    """Write the images of each part (train, val, test). Returns the CSV that lists them.

    total: the number of images. The same images are written to the same place. Raises BadInput for
    values that are no images, and for a full disk.
    """
    count = Counting("images written", total, say)
    try:
        return write_set(lambda folder: _write(parts, folder, count))
    except OSError as error:
        raise BadInput(
            f"images cannot be written to {root()}: {error.strerror or error}"
        ) from error


def write_set(fill: Callable[[Path], str]) -> Path:
    """The CSV of the data set that `fill` writes into a new folder; it returns the set's name.

    The data set is written completely or not at all; another process may write the same. Raises
    OSError.
    """
    root().mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=PART, dir=root()))
    try:
        listed = root() / fill(fresh) / LIST
        try:
            if not listed.is_file():
                fresh.rename(listed.parent)
        except OSError:
            if not listed.is_file():  # otherwise another process was first
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return listed


def remember(name: str, stamp: str, listed: Path) -> None:
    """Note that `name` means the images in `listed`, as long as its `stamp` is the same."""
    note = json.dumps({"name": name, "stamp": stamp, "set": listed.parent.name})
    _note(name).parent.mkdir(parents=True, exist_ok=True)
    atomic_write.replace(_note(name), note.encode())


def remembered(name: str, stamp: str | None = None) -> Path | None:
    """The CSV of the images of `name`, if they are written. stamp: None matches any."""
    note = _read(_note(name))
    if note is None or stamp not in (None, note.stamp):
        return None
    listed = root() / note.set / LIST
    return listed if listed.is_file() else None


def stamp_of(name: str) -> str:
    """The stamp with which `name` was remembered; "" if it was not."""
    note = _read(_note(name))
    return "" if note is None else note.stamp


def named_sets() -> dict[str, list[str]]:
    """The folder of each data set -> the names that refer to it."""
    found: dict[str, list[str]] = {}
    for path in sorted((root() / NAMES).glob("*.json")):
        if note := _read(path):
            found.setdefault(note.set, []).append(note.name)
    return found


def _note(name: str) -> Path:
    return root() / NAMES / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


def _read(path: Path) -> Note | None:
    """The note in a file; None if there is no readable note."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Note)
    except (OSError, msgspec.MsgspecError, RecursionError):
        return None


def _write(parts: Mapping[str, Iterable[Labelled]], to: Path, count: Counting) -> str:
    """Write the images. Returns a digest of parts, labels and images, in their order."""
    whole = hashlib.sha256()
    with (to / LIST).open("w", newline="", encoding="utf-8") as text:
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(["path", "label", "split"])
        for part, images in parts.items():
            (to / part).mkdir()
            for number, (image, label) in enumerate(images):
                try:
                    content, ending = encoded(image)
                except BadInput as error:
                    raise BadInput(f"image {number} of {part}: {error}") from error
                name = f"{part}/{number:07}{ending}"
                (to / name).write_bytes(content)
                lines.writerow([name, label, part])
                own = hashlib.sha256(content).hexdigest()
                whole.update(f"{part}\0{label}\0{own}\n".encode())
                count.one()
    return whole.hexdigest()[:32]


def encoded(image: Pixels) -> tuple[bytes, str]:
    """An image as the bytes of a lossless file, and the ending of the file's name.

    Arrays are (H, W) or (H, W, C), tensors also (C, H, W); both uint8, or floats from 0 to 1.
    Pillow's images are turned upright, as files are. Raises BadInput for values that are no image.
    """
    from PIL import Image

    out = io.BytesIO()
    if not isinstance(image, (bytes, Image.Image)):
        image = Image.fromarray(_pixels(image))
    try:
        if isinstance(image, bytes):
            kind = Image.open(io.BytesIO(image)).format or ""
            if kind in ENDING_OF:
                return image, ENDING_OF[kind]
            image = Image.open(io.BytesIO(image))
        image.load()
        image, _ = upright(image)
        image = image if image.mode in PLAIN else rgb(image)
        image.save(out, "PNG", compress_level=1)
    except Exception as error:  # Pillow raises many errors
        raise BadInput(f"not a readable image: {error}") from error
    return out.getvalue(), ".png"


def _pixels(image: np.ndarray | Tensor) -> np.ndarray:
    """uint8 (H, W) or (H, W, 3 or 4)."""
    import numpy as np

    given = np.asarray(image)
    if not isinstance(image, np.ndarray) and given.ndim == 3 and given.shape[0] in (1, 3, 4):
        given = given.transpose(1, 2, 0)
    if given.ndim == 3 and given.shape[2] == 1:
        given = given[:, :, 0]
    if given.ndim not in (2, 3) or (given.ndim == 3 and given.shape[2] not in (3, 4)):
        raise BadInput(
            f"an array of shape {tuple(given.shape)} is no image: give (H, W) or (H, "
            "W, C), or a tensor (C, H, W)"
        )
    if np.issubdtype(given.dtype, np.floating):
        if not (np.isfinite(given).all() and given.min() >= 0 and given.max() <= 1):
            raise BadInput(
                "floats outside 0 to 1: give images before they are normalised, as uint8 or 0 to 1"
            )
        given = np.round(given * 255).astype(np.uint8)
    if given.dtype != np.uint8:
        raise BadInput(f"pixels of type {given.dtype}: give uint8, or floats from 0 to 1")
    return np.ascontiguousarray(given)

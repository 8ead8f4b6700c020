"""From a file to pixels: RGB, upright, 8 bits a channel."""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from tricks.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

# The version of the decoding. It is part of the id of a run on image files, so that a run on images
# that were decoded differently is another run. 2: with EXIF's orientation and 16 bits.
VERSION = 2
ORIENTATION = 0x0112  # EXIF's tag
_heard = threading.local()  # .lines: the decoder's warnings in this thread


class Decoded(NamedTuple):
    """An image as it is trained on, with the size and mode of its file."""

    pixels: np.ndarray  # uint8 (H, W, 3)
    height: int  # pixels of the upright image, before it was made smaller
    width: int
    mode: str  # of the file, in Pillow's terms
    said: tuple[str, ...]  # the decoder's warnings


def read_image(path: Path, side: int = 0) -> Tensor:
    """The file as RGB, uint8 (3, H, W), as a viewer shows it; the first of several pages.

    EXIF's orientation is applied. 16-bit grey is scaled to 8 bits by 65535 -> 255, floats by 1 ->
    255. Transparency is dropped: the colours below it are used. side: see `smaller`. Raises
    BadInput naming a file that cannot be read, or whose values have another scale.
    """
    from torchvision.transforms.v2 import functional as F

    with listening():
        return F.pil_to_tensor(smaller(_read(path, path)[0], side))


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """A context, for all threads, in which each image keeps its decoder's warnings."""

    def hear(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        getattr(_heard, "lines", []).append(" ".join(str(message).split()))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = hear
        yield


def decode(data: bytes, path: Path, side: int = 0, small: bool = False) -> Decoded:
    """As `read_image`, from a file's content. Call it within `listening`.

    small: only check the image; a JPEG is decoded to few pixels.
    """
    import numpy as np

    image, mode, said, (width, height) = _read(io.BytesIO(data), path, small)
    return Decoded(np.asarray(smaller(image, side)), height, width, mode, said)


def header(path: Path) -> tuple[int, int, str] | None:
    """Width, height and mode of the upright image, without decoding it; None if it is broken."""
    import PIL.Image

    try:
        with PIL.Image.open(path) as image:
            # Pillow would decode a PNG without orientation, to look for one behind its pixels.
            turned = image.format != "PNG" or "exif" in image.info
            orientation = image.getexif().get(ORIENTATION, 1) if turned else 1
            width, height = image.size
            if orientation in range(5, 9) and image.format != "TIFF":  # Pillow turned a TIFF's size
                width, height = height, width
            return width, height, image.mode
    except Exception:  # decoders raise many errors for a broken file, and training reports it
        return None


def smaller(image: Image, side: int) -> Image:
    """The image, shrunk with antialiasing to a shorter side of at most `side` pixels (0: any)."""
    from PIL.Image import Resampling

    least = min(image.size)
    if not 0 < side < least:
        return image
    width, height = (max(1, round(x * side / least)) for x in image.size)
    return image.resize((width, height), Resampling.BILINEAR)


def unreadable(files: Sequence[Path]) -> dict[int, str]:
    """Files that cannot be read: place -> reason."""
    found = {}
    with listening():
        for i, file in enumerate(files):
            try:
                _read(file, file)
            except BadInput as error:
                found[i] = str(error)
    return found


def _read(
    source: Path | io.BytesIO, path: Path, small: bool = False
) -> tuple[Image, str, tuple[str, ...], tuple[int, int]]:
    """The image, its file's mode, warnings, and the upright image's size (width, height).

    small: a JPEG is decoded to the end, but to few pixels.
    """
    import PIL.Image

    _heard.lines = []
    try:
        with PIL.Image.open(source) as image:
            mode, (width, height) = image.mode, image.size
            if image.format != "MPO" and getattr(image, "is_animated", False):
                # A phone's photo may have another picture behind it (MPO).
                warnings.warn("it has several pages or frames: the first is used", stacklevel=1)
            if small:
                image.draft("RGB", (64, 64))
            image.load()
            found, turned = upright(image)
            found = rgb(found)
    except Exception as error:  # decoders raise many errors for a broken file
        said = str(error) or type(error).__name__
        if isinstance(error, PIL.UnidentifiedImageError):
            said = f"cannot identify image file {str(path)!r}"
        if isinstance(error, OSError) and path.is_file() and not path.stat().st_size:
            said = "the file is empty"
        raise BadInput(
            f"{path}: cannot be read as an image ({said}): repair or remove it"
        ) from error
    size = (height, width) if turned else (width, height)
    return found, mode, tuple(_heard.lines), size


def upright(image: Image) -> tuple[Image, bool]:
    """The image turned as EXIF says, and whether width and height were swapped."""
    from PIL.Image import Transpose

    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a broken EXIF header with good pixels
        return image, False
    turns = (
        None, None, Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM,
        Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90,
    )  # fmt: skip
    turn = turns[orientation] if orientation in range(2, 9) else None
    return (image, False) if turn is None else (image.transpose(turn), orientation > 4)


def rgb(image: Image) -> Image:
    """The image as 8-bit RGB. Raises ValueError for values of an unknown scale."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _scaled(image).convert("RGB")
    if image.mode in ("P", "PA") and "transparency" in image.info:
        return image.convert("RGBA").convert("RGB")  # a direct conversion to RGB would warn
    return image if image.mode == "RGB" else image.convert("RGB")


def _scaled(image: Image) -> Image:
    """8-bit grey from 16-bit grey, or from floats in [0, 1]."""
    import numpy as np
    import PIL.Image

    values = np.asarray(image).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    most, what = (1, "floats in [0, 1]") if image.mode == "F" else (65535, "8 or 16 bits")
    if not (low >= 0 and high <= most):
        raise ValueError(f"its values are {low:g} to {high:g}: save it as {what}")
    if most > 1 and 0 < high < 4096:
        # Without the value, so that all such images share one line.
        warnings.warn("its 16-bit values end below 4096, so it is nearly black", stacklevel=1)
    return PIL.Image.fromarray((values * (255 / most)).round().astype(np.uint8))

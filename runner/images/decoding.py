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

# What pixels mean. It is part of a run's id where files are decoded here, so that runs on images
# that were read in another way count as other runs. 2: EXIF's orientation and 16 bits are heeded.
VERSION = 2
ORIENTATION = 0x0112  # EXIF's tag
_heard = threading.local()  # .lines: what the decoder complained of in this thread


class Decoded(NamedTuple):
    """An image as it is trained on, and as its file had it."""

    pixels: np.ndarray  # uint8 (H, W, 3)
    height: int  # pixels of the upright image, before it was made smaller
    width: int
    mode: str  # of the file, by Pillow's name
    said: tuple[str, ...]  # what the decoder complained of


def read_image(path: Path, side: int = 0) -> Tensor:
    """The file as RGB, uint8 (3, H, W), as a viewer shows it; of several pages the first.

    EXIF's orientation is applied. 16 bits of grey are scaled to 8 by 65535 -> 255, floats by
    1 -> 255. Transparency is dropped: the colours below it are used. side: see `smaller`. Raises
    BadInput naming a file that cannot be read, or has other values.
    """
    from torchvision.transforms.v2 import functional as F

    with listening():
        return F.pil_to_tensor(smaller(_read(path, path)[0], side))


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Within it, in any thread, what the decoder complains of is kept with the image."""

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
    """As `read_image`, from a file's content, within `listening`.

    small: the image is only to be checked, and a JPEG is decoded to few pixels.
    """
    import numpy as np

    image, mode, said, (width, height) = _read(io.BytesIO(data), path, small)
    return Decoded(np.asarray(smaller(image, side)), height, width, mode, said)


def header(path: Path) -> tuple[int, int, str] | None:
    """Width and height of the upright image, and its mode, without decoding it; None if broken."""
    import PIL.Image

    try:
        with PIL.Image.open(path) as image:
            # A PNG without orientation would be decoded to look for one behind its pixels.
            turned = image.format != "PNG" or "exif" in image.info
            orientation = image.getexif().get(ORIENTATION, 1) if turned else 1
            width, height = image.size
            if orientation in range(5, 9):
                width, height = height, width
            return width, height, image.mode
    except Exception:  # the decoders say a broken file in many ways, and training names it
        return None


def smaller(image: Image, side: int) -> Image:
    """The image with a shorter side of at most `side` pixels (0: as it is), antialiased."""
    from PIL.Image import Resampling

    least = min(image.size)
    if not 0 < side < least:
        return image
    width, height = (max(1, round(x * side / least)) for x in image.size)
    return image.resize((width, height), Resampling.BILINEAR)


def unreadable(files: Sequence[Path]) -> dict[int, str]:
    """Place -> why, of the files that cannot be read."""
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
    """The image, its file's mode, complaints, and its size (width, height) when upright.

    small: a JPEG is decoded whole, but to few pixels.
    """
    import PIL.Image

    _heard.lines = []
    try:
        with PIL.Image.open(source) as image:
            mode, (width, height) = image.mode, image.size
            if small:
                image.draft("RGB", (64, 64))
            image.load()
            found, turned = _upright(image)
            found = _rgb(found)
    except Exception as error:  # the decoders say a broken file in many ways
        said = str(error) or type(error).__name__
        if isinstance(error, PIL.UnidentifiedImageError):
            said = f"cannot identify image file {str(path)!r}"
        if isinstance(error, OSError) and path.is_file() and not path.stat().st_size:
            said = "the file is empty"
        raise BadInput(f"{path}: cannot be read as an image ({said}): mend or remove it") from error
    size = (height, width) if turned else (width, height)
    return found, mode, tuple(_heard.lines), size


def _upright(image: Image) -> tuple[Image, bool]:
    """The image as EXIF says that it is held, and whether its height has become its width."""
    from PIL.Image import Transpose

    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a broken header beside good pixels
        return image, False
    turns = (
        None, None, Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM,
        Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90,
    )  # fmt: skip
    turn = turns[orientation] if orientation in range(2, 9) else None
    return (image, False) if turn is None else (image.transpose(turn), orientation > 4)


def _rgb(image: Image) -> Image:
    """RGB of 8 bits. Raises ValueError for values of no known scale."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _scaled(image).convert("RGB")
    if image.mode in ("P", "PA") and "transparency" in image.info:
        return image.convert("RGBA").convert("RGB")  # straight to RGB it would warn
    return image if image.mode == "RGB" else image.convert("RGB")


def _scaled(image: Image) -> Image:
    """8 bits of grey from 16, or from floats in [0, 1]."""
    import numpy as np
    import PIL.Image

    values = np.asarray(image).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    most, what = (1, "floats in [0, 1]") if image.mode == "F" else (65535, "8 or 16 bits")
    if not (low >= 0 and high <= most):
        raise ValueError(f"its values are {low:g} to {high:g}: save it as {what}")
    if most > 1 and 0 < high < 4096:
        # Without the value: images that share a line are told in one.
        warnings.warn("its 16-bit values end below 4096, so it is nearly black", stacklevel=1)
    return PIL.Image.fromarray((values * (255 / most)).round().astype(np.uint8))

"""From a file to pixels: RGB, upright, 8 bits a channel."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tricks.errors import BadInput

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

# What pixels mean. It is part of a run's id where files are decoded here, so that runs on images
# that were read in another way count as other runs. 2: EXIF's orientation and 16 bits are heeded.
VERSION = 2
ORIENTATION = 0x0112  # EXIF's tag


def read_image(path: Path) -> Tensor:
    """The file as RGB, uint8 (3, H, W), as a viewer shows it; of several pages the first.

    EXIF's orientation is applied. 16 bits of grey are scaled to 8 by 65535 -> 255, floats by
    1 -> 255. Transparency is dropped: the colours below it are used. Raises BadInput naming a file
    that cannot be read, or has other values.
    """
    from torchvision.transforms.v2 import functional as F

    return F.pil_to_tensor(_read(path, small=False)[0])


def check_images(files: Sequence[Path]) -> tuple[str, ...]:
    """Lines on what the decoder complains of. Raises BadInput naming the first unreadable file."""
    said: dict[str, list[Path]] = {}
    for file in files:
        for line in _read(file, small=True)[1]:
            said.setdefault(line, []).append(file)
    return tuple(
        f"{paths[0]}{f' and {len(paths) - 1:,} more' if len(paths) > 1 else ''}: {line}"
        for line, paths in said.items()
    )


def unreadable(files: Sequence[Path]) -> dict[int, str]:
    """Place -> why, of the files that cannot be read."""
    found = {}
    for i, file in enumerate(files):
        try:
            _read(file, small=False)
        except BadInput as error:
            found[i] = str(error)
    return found


def _read(path: Path, small: bool) -> tuple[Image, list[str]]:
    """The image, and what the decoder complained of; small: a JPEG decoded small, but whole."""
    import PIL.Image

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with PIL.Image.open(path) as image:
                if small:
                    image.draft("RGB", (64, 64))
                image.load()
                found = _rgb(_upright(image))
        except Exception as error:  # the decoders say a broken file in many ways
            said = str(error) or type(error).__name__
            if isinstance(error, OSError) and path.is_file() and not path.stat().st_size:
                said = "the file is empty"
            raise BadInput(f"{path}: cannot be read as an image ({said}): mend or remove it") from (
                error
            )
    return found, [" ".join(str(warning.message).split()) for warning in caught]


def _upright(image: Image) -> Image:
    """The image as EXIF says that it is held."""
    from PIL.Image import Transpose

    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a broken header beside good pixels
        return image
    turns = (
        None, None, Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM,
        Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90,
    )  # fmt: skip
    turn = turns[orientation] if orientation in range(2, 9) else None
    return image if turn is None else image.transpose(turn)


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
        warnings.warn(
            f"its 16-bit values end at {high:.0f} of 65535, so it is nearly black", stacklevel=1
        )
    return PIL.Image.fromarray((values * (255 / most)).round().astype(np.uint8))

"""From a file to pixels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tricks.errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor


def read_image(path: Path) -> Tensor:
    """The file as RGB, uint8 (3, H, W). Raises BadInput naming a file that cannot be read."""
    from PIL import Image
    from torchvision.transforms.v2 import functional as F

    try:
        with Image.open(path) as image:
            return F.pil_to_tensor(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(
            f"{path}: cannot be read as an image ({error}): mend or remove it"
        ) from error


def check_images(files: Iterable[Path]) -> None:
    """Raises BadInput naming the first file that cannot be decoded."""
    from PIL import Image

    for file in files:
        try:
            with Image.open(file) as image:
                image.draft("RGB", (64, 64))  # a JPEG is read whole, but decoded small
                image.load()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise BadInput(
                f"{file}: cannot be read as an image ({error}): mend or remove it"
            ) from error

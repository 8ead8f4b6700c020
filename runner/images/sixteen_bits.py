"""16-bit images with smaller values: 10, 12 or 14 bits from a camera or a scanner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.images.decoding import header, listening

LOOKED_AT = 64  # files, evenly spread, whose headers are read
DECODED = 16  # 16-bit files among them that are decoded
BRIGHT = 2**14  # images with a value this large use their 16 bits


def largest_value(paths: Sequence[Path]) -> int | None:
    """The largest value in a few of the 16-bit images among `paths`; None if there are none."""
    import numpy as np
    import PIL.Image

    apart = -(-len(paths) // LOOKED_AT)
    values = []
    with listening():  # training tells of the decoder's warnings
        found = ((path, header(path)) for path in paths[:: max(1, apart)])
        deep = [path for path, head in found if head is not None and head[2].startswith("I")]
        for path in deep[:DECODED]:
            try:
                with PIL.Image.open(path) as image:
                    values.append(int(np.asarray(image).max()))
            except Exception:  # decoders raise many errors for a broken file; training reports it
                continue
    return max(values, default=None)


def line(largest: int) -> str:
    """A line that warns that such images are dark.

    >>> print(line(4095))
    16-bit images whose largest value is 4095: white is 65535, so they are dark; save them × 16
    """
    factor = 2 ** (16 - max(1, largest).bit_length())
    return (
        f"16-bit images whose largest value is {largest}: white is 65535, so they are dark; save "
        f"them × {factor}"
    )

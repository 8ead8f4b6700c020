"""Images of 16 bits whose values do not use them: 10, 12 or 14 bits of a camera or a scanner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runner.images.decoding import header

LOOKED_AT = 64  # files of which the headers are read, evenly spread
DECODED = 16  # of them, where they have 16 bits
BRIGHT = 2**14  # a value from which on images use their 16 bits


def largest_value(paths: Sequence[Path]) -> int | None:
    """The largest value in a few of the 16-bit images among `paths`; None where there is none."""
    import numpy as np
    import PIL.Image

    apart = -(-len(paths) // LOOKED_AT)
    found = ((path, header(path)) for path in paths[:: max(1, apart)])
    deep = [path for path, head in found if head is not None and head[2].startswith("I")]
    values = []
    for path in deep[:DECODED]:
        try:
            with PIL.Image.open(path) as image:
                values.append(int(np.asarray(image).max()))
        except Exception:  # the decoders say a broken file in many ways, and training names it
            continue
    return max(values, default=None)


def line(largest: int) -> str:
    """What such images are trained as.

    >>> print(line(4095))
    16-bit images whose largest value is 4095: white is 65535, so they are dark; save them × 16
    """
    factor = 2 ** (16 - max(1, largest).bit_length())
    return (
        f"16-bit images whose largest value is {largest}: white is 65535, so they are dark; save "
        f"them × {factor}"
    )

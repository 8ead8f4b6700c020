"""Pad and crop: shift each image at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class PadCrop(Trick):
    """Shift each image at random, up to an eighth of its side, and fill with black.

    This is the usual crop of small images: 4 of CIFAR's 32 pixels, 1 of 8. It helps even short
    trainings. Objects at the border lose small parts.
    """

    name: ClassVar[str] = "pad-crop"
    source: ClassVar[str] = "Lee et al. 2015, arXiv:1409.5185; He et al. 2016, arXiv:1512.03385"

    def edits(self) -> Edits:
        return Edits(sets={"crop": "pad"})

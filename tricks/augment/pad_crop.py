"""Pad and crop: each image is shifted at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class PadCrop(Trick):
    """Shift each image at random, up to an eighth of its side, with black moving in.

    The usual crop of small images: 4 of CIFAR's 32 pixels, 1 of 8. It helps even short trainings;
    objects that touch the border lose a little of themselves.
    """

    name: ClassVar[str] = "pad-crop"
    source: ClassVar[str] = "Lee et al. 2015, arXiv:1409.5185; He et al. 2016, arXiv:1512.03385"

    def edits(self) -> Edits:
        return Edits(sets={"crop": "pad"})

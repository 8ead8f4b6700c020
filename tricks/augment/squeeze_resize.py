"""Squeeze-resize: the whole image as a square, whatever its aspect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class SqueezeResize(Trick):
    """Show the whole image squeezed to a square, in training and in evaluation.

    Nothing is cut off: for things at the border of wide pictures, such as animals in a camera
    trap. Shapes are distorted, alike in training and evaluation. Square images are as they were.
    """

    name: ClassVar[str] = "squeeze-resize"
    source: ClassVar[str] = "Howard and Gugger 2020, fastai's ResizeMethod.Squish"

    def edits(self) -> Edits:
        return Edits(sets={"crop": "squeeze"})

"""Squeeze-resize: the whole image as a square, for any aspect ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class SqueezeResize(Trick):
    """Squeeze the whole image to a square, in training and in evaluation.

    Nothing is cut off: it is for objects at the border of wide pictures, such as animals in camera
    traps. Shapes are distorted, in the same way in training and evaluation. Square images are not
    changed.
    """

    name: ClassVar[str] = "squeeze-resize"
    source: ClassVar[str] = "Howard and Gugger 2020, fastai's ResizeMethod.Squish"

    def edits(self) -> Edits:
        return Edits(sets={"crop": "squeeze"})

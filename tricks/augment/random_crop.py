"""Random crop: a square cut out of the resized image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class RandomCrop(Trick):
    """Use a random square of the resized image instead of always the same part of it.

    The image is resized so that the square has the share `margin` of its shorter side (224 of 256
    pixels). Evaluation uses the central square. It shifts and cuts less than random-resized-crop:
    it is for objects that must be seen whole, and for short fine-tunings.
    """

    name: ClassVar[str] = "random-crop"
    source: ClassVar[str] = "Krizhevsky et al. 2012 (AlexNet), NeurIPS 25"

    margin: float = 0.875  # side of the square over the shorter side of the image

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1:
            raise ValueError(f"margin must be above 0 and below 1, not {self.margin}")

    def edits(self) -> Edits:
        return Edits(sets={"crop": "random", "margin": self.margin})

"""Alternating flips: every second epoch shows the mirror image of the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class AlternatingFlips(Trick):
    """Mirror every image in every second epoch, starting with a random half of the images.

    Any two consecutive epochs show both sides of each image; random flips may repeat one side. It
    is for short trainings on natural images. Where random flips hurt (digits, letters, signs), it
    hurts, too.
    """

    name: ClassVar[str] = "alternating-flips"
    source: ClassVar[str] = "Jordan 2024 (airbench), arXiv:2404.00498"

    def edits(self) -> Edits:
        same = "all copies of an image in a batch would have the same side"
        return Edits(sets={"flip": True, "alternate_flips": True}, needs={"repeats": (1, same)})

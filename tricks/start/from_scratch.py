"""From scratch: start from random weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.published import Published, carrier_of_tricks
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class FromScratch(Trick):
    """Start from random weights instead of the baseline's pretrained weights.

    It shows the gain from pretrained weights. A fresh network needs a longer training and a larger
    learning rate: with the settings of fine-tuning it looks worse than it is.
    """

    name: ClassVar[str] = "from-scratch"
    source: ClassVar[str] = "He et al. 2019, arXiv:1811.08883"
    published: ClassVar[tuple[Published, ...]] = (
        carrier_of_tricks(-2.60, "at the baseline, pretrained"),
    )

    def edits(self) -> Edits:
        return Edits(sets={"start": "scratch"})

"""Mixing off: the last epochs use unmixed images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


def first_plain(share: float, epochs: int) -> int:
    """The first epoch, from 0, after the `share` of the `epochs` in which images are mixed.

    >>> [first_plain(share, 100) for share in (0.9, 0.55, 0.951)]
    [90, 55, 96]
    """
    return math.ceil(round(share * epochs, 9))  # 0.55 * 100 is a little more than 55


@dataclass(frozen=True)
class MixingOff(Trick):
    """Switch the mixing of images off for the last epochs.

    MixUp and CutMix regularise, but the network never trains on real images. A few unmixed epochs
    at a small learning rate correct this. It needs a trick that mixes images. An epoch is unmixed
    if it lies completely in the last `share` of the epochs.
    """

    name: ClassVar[str] = "mixing-off"
    source: ClassVar[str] = "Ge et al. 2021 (YOLOX), arXiv:2107.08430; timm's mixup_off_epoch"

    share: float = 0.1  # of the epochs, at the end

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share must be above 0 and below 1, not {self.share}")

    def edits(self) -> Edits:
        mixed = round(1 - self.share, 12)
        mixer = "it needs a trick that mixes images, such as mixup or cutmix"
        short = f"no epoch lies in the last {self.share:g} of so few"
        return Edits(
            sets={"mix_share": mixed},
            needs={"mixers": (bool, mixer), "epochs": (lambda n: first_plain(mixed, n) < n, short)},
        )

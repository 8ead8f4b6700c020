"""Cosine: the learning rate falls along half a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from tricks.published import (
    BASELINE,
    Published,
    bag_of_tricks,
    carrier_of_tricks,
    torchvision_recipe,
)
from tricks.trick import Edits, Trick


def half_cosine(progress: float) -> float:
    """The lr factor at `progress` from 0 (factor 1) to 1 (factor 0) of training.

    >>> half_cosine(0.0), round(half_cosine(0.5), 12)
    (1.0, 0.5)
    """
    return 0.5 * (1.0 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class Cosine(Trick):
    """Let the learning rate fall smoothly, along half a cosine over the whole training.

    It replaces step decay and needs no milestones. The half cosine spans the whole training and a
    warmup multiplies it, so warmup does not change the rest of the curve. The first and the last
    step have a learning rate above zero. `floor` is the final value: torch's eta_min as a share of
    the learning rate.
    """

    name: ClassVar[str] = "cosine"
    source: ClassVar[str] = "Loshchilov and Hutter 2017, arXiv:1608.03983, without restarts"
    standard: ClassVar[bool] = True
    published: ClassVar[tuple[Published, ...]] = (
        torchvision_recipe(0.36, "cumulative, with warmup and a larger learning rate"),
        bag_of_tricks(0.75),
        carrier_of_tricks(-0.37, "added to Adam and warmup"),
        Published(
            0.27,
            "CIFAR-10, WRN-28-10, 200 epochs",
            "its own paper, table 1, same highest rate",
            BASELINE,
            5,
        ),
    )

    floor: float = 0.0  # the smallest learning rate, as a share of the full learning rate

    def __post_init__(self) -> None:
        if not 0 <= self.floor < 1:
            raise ValueError(f"floor must be at least 0 and below 1, not {self.floor}")

    def edits(self) -> Edits:
        return Edits(sets={"schedule": self})

    def scale(self, progress: float) -> float:
        """The lr factor at `progress` in (0, 1) of the whole training."""
        return self.floor + (1.0 - self.floor) * half_cosine(progress)

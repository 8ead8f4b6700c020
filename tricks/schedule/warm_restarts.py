"""Warm restarts: several half cosines, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.schedule.cosine import half_cosine
from tricks.trick import Edits, Trick


def within_cycle(progress: float, cycles: int, growth: float) -> float:
    """The progress within the current cycle, 0 to 1, at `progress` (0 to 1) of training.

    Each of the `cycles` is `growth` times as long as the cycle before; together they fill training.

    >>> [round(within_cycle(p, 2, 3.0), 2) for p in (0.0, 0.125, 0.25, 0.625)]
    [0.0, 0.5, 0.0, 0.5]
    """
    lengths = [growth**i for i in range(cycles)]
    left = progress * sum(lengths)
    for length in lengths[:-1]:
        if left < length:
            return left / length
        left -= length
    return min(1.0, left / lengths[-1])


@dataclass(frozen=True)
class WarmRestarts(Trick):
    """Let the learning rate fall along a half cosine several times, each time from the top.

    A restart can leave one minimum for another, and the networks at the ends of cycles can form an
    ensemble. A single cosine is often as good at the end. The cycles fill the training exactly: 3
    cycles of growth 2 take 1/7, 2/7 and 4/7 of it. So the paper's first cycle of T_0 epochs follows
    from the number of cycles. A warmup multiplies the first steps.
    """

    name: ClassVar[str] = "warm-restarts"
    source: ClassVar[str] = "Loshchilov and Hutter 2017, arXiv:1608.03983"

    cycles: int = 3
    growth: float = 2.0  # length of a cycle over the length of the cycle before (T_mult)

    def __post_init__(self) -> None:
        if not 2 <= self.cycles <= 100:
            raise ValueError(f"cycles must be from 2 (one is cosine) to 100, not {self.cycles}")
        if not 1 <= self.growth <= 10:
            raise ValueError(f"growth must be from 1 to 10, not {self.growth}")

    def edits(self) -> Edits:
        return Edits(sets={"schedule": self})

    def scale(self, progress: float) -> float:
        """The lr factor at `progress` in (0, 1) of the whole training."""
        return half_cosine(within_cycle(progress, self.cycles, self.growth))

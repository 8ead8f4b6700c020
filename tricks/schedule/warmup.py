"""Warmup: a linear ramp of the learning rate at the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.published import Published, carrier_of_tricks, goyal
from tricks.trick import Edits, Trick


def ramp(step: int, steps: int) -> float:
    """The lr factor at `step` (from 0) of a warmup of `steps` steps: 1/steps up to 1, then 1.

    >>> [ramp(step, 4) for step in range(6)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    return min(1.0, (step + 1) / max(1, steps))


def raised(start: float, factor: float) -> float:
    """A ramp's `factor` (0 to 1) on a line from `start` to 1.

    >>> [raised(0.5, factor) for factor in (0.0, 0.5, 1.0)]
    [0.5, 0.75, 1.0]
    """
    return start + (1.0 - start) * factor


@dataclass(frozen=True)
class Warmup(Trick):
    """Raise the learning rate linearly, step by step, over the first steps of training.

    It helps where the full learning rate would break a fresh network: large batches, large learning
    rates, adaptive optimizers. The ramp multiplies the schedule, which runs over the whole
    training, so the rest of the curve is the same without warmup (He et al. start the schedule
    after the ramp). The length of the ramp is a share of training (0.05: five of 90 to 120 epochs),
    but at least `minimum` steps. `epochs` replaces the share if given. The record and the report
    have the length in steps. With `start` the ramp begins at that share of the learning rate, which
    would be the rate of a step before the first.
    """

    name: ClassVar[str] = "warmup"
    source: ClassVar[str] = "Goyal et al. 2017, arXiv:1706.02677"
    standard: ClassVar[bool] = True
    published: ClassVar[tuple[Published, ...]] = (
        carrier_of_tricks(0.43, "added to Adam"),
        goyal(1.10, "added to zero-gamma", "8,192"),
    )

    share: float = 0.05  # of all steps
    epochs: float | None = None  # instead of the share
    minimum: int = 5  # steps
    start: float = 0.0  # beginning of the ramp, as a share of the learning rate

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {self.share}")
        if self.epochs is not None and self.epochs <= 0:
            raise ValueError(f"epochs must be above 0, not {self.epochs}")
        if self.minimum < 1:
            raise ValueError(f"minimum must be at least 1 step, not {self.minimum}")
        if not 0 <= self.start < 1:
            raise ValueError(f"start must be at least 0 and below 1, not {self.start}")

    def edits(self) -> Edits:
        return Edits(sets={"warmup": self})

    def steps(self, total_steps: int, epochs: int) -> int:
        """Length of the ramp in a training of `total_steps` steps and `epochs` epochs."""
        share = self.share if self.epochs is None else self.epochs / epochs
        return min(total_steps, max(self.minimum, round(share * total_steps)))

    def ramp(self, step: int, steps: int) -> float:
        """The lr factor at `step` (from 0) of a ramp of `steps` steps: never 0, 1 at its last."""
        return raised(self.start, ramp(step, steps))

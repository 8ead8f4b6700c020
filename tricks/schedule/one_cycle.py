"""One-cycle: the learning rate goes up, then down; momentum goes down, then up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.schedule.cosine import half_cosine
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class OneCycle(Trick):
    """Raise the learning rate to its top and let it fall to almost zero, momentum opposite.

    Short trainings at a large learning rate gain most. The top is the optimizer's tuned lr, so try
    lr_scale 2 and more. The rate starts at top / `start` and ends at top / `start` / `end`, along
    half cosines (torch's default; the paper uses straight lines). It contains its own warmup and
    excludes another warmup. Momentum (the first beta of Adam-like optimizers) falls from `high` to
    `low` while the rate rises, and then rises again. The optimizer's own momentum is not used.
    """

    name: ClassVar[str] = "one-cycle"
    source: ClassVar[str] = (
        "Smith and Topin 2018, arXiv:1708.07120; defaults of torch.optim.lr_scheduler.OneCycleLR"
    )

    rise: float = 0.3  # share of training in which the learning rate goes up
    start: float = 25.0  # top learning rate / first learning rate
    end: float = 1e4  # first learning rate / last learning rate
    high: float = 0.95  # momentum at the lowest learning rate
    low: float = 0.85  # momentum at the top

    def __post_init__(self) -> None:
        if not 0 < self.rise < 1:
            raise ValueError(f"rise must lie between 0 and 1, not {self.rise}")
        for name in ("start", "end"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not 0 <= self.low <= self.high < 1:
            raise ValueError(
                f"0 <= low <= high < 1 must hold of momentum, not {self.low}, {self.high}"
            )

    def edits(self) -> Edits:
        reason = "it rises to the full learning rate by itself"
        return Edits(sets={"schedule": self}, needs={"warmup": (None, reason)})

    def scale(self, progress: float) -> float:
        """The lr factor at `progress` in (0, 1) of the whole training."""
        first = 1.0 / self.start
        return self._between(first, 1.0, first / self.end, progress)

    def momentum(self, progress: float) -> float:
        """The momentum at `progress` in (0, 1) of the whole training."""
        return self._between(self.high, self.low, self.high, progress)

    def _between(self, first: float, turn: float, last: float, progress: float) -> float:
        if progress < self.rise:
            return turn + (first - turn) * half_cosine(progress / self.rise)
        return last + (turn - last) * half_cosine((progress - self.rise) / (1 - self.rise))

"""Warmup-stable-decay: the full learning rate for most of training, and a steep end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from tricks.schedule.warmup import Warmup
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class WarmupStableDecay(Trick):
    """Warm up, hold the full learning rate, and let it fall to zero in the last share of training.

    Nothing before the last share depends on the length of training, so one long run can be
    continued or ended anywhere. Its accuracy is close to a cosine's. Most of the gain in accuracy
    comes during the decay, so accuracies before it look bad. It also sets the warmup (a share of
    training, at least 5 steps).
    """

    name: ClassVar[str] = "warmup-stable-decay"
    source: ClassVar[str] = "Hägele et al. 2024, arXiv:2405.18392; Hu et al. 2024, arXiv:2404.06395"

    warmup: float = 0.05  # share of all steps
    decay: float = 0.2  # share of training in which the learning rate falls
    shape: Literal["sqrt", "linear"] = "sqrt"  # 1 - √u or 1 - u, u from 0 to 1 within the decay

    def __post_init__(self) -> None:
        if not 0 < self.decay <= 1:
            raise ValueError(f"decay must be above 0 and at most 1, not {self.decay}")
        if not 0 < self.warmup <= 1:
            raise ValueError(f"warmup must be above 0 and at most 1, not {self.warmup}")
        if self.shape not in ("sqrt", "linear"):
            raise ValueError(f"shape must be sqrt or linear, not {self.shape!r}")

    def edits(self) -> Edits:
        return Edits(sets={"schedule": self, "warmup": Warmup(share=self.warmup)})

    def scale(self, progress: float) -> float:
        """The lr factor at `progress` in (0, 1) of the whole training, without the warmup."""
        place = max(0.0, (progress - (1 - self.decay)) / self.decay)
        return 1.0 - (math.sqrt(place) if self.shape == "sqrt" else place)

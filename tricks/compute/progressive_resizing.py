"""Progressive resizing: small images first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class ProgressiveResizing(Trick):
    """Train on small images first and on full-size images at the end.

    The side is `initial` times the full side until the share `delay` of training. Then it grows
    linearly and is full from the share `full` on. It saves time, most on large images, at a small
    loss of accuracy. Images of a few pixels lose their content. Evaluation always uses full images,
    so early validation accuracies are low. It does not work with networks of a fixed input size
    (most transformers).
    """

    name: ClassVar[str] = "progressive-resizing"
    source: ClassVar[str] = "Howard 2018 (fast.ai, DAWNBench); defaults of Composer's card"

    initial: float = 0.5  # share of the full side at the start
    delay: float = 0.5  # share of the training with the initial side
    full: float = 0.8  # share of the training after which the side is full
    multiple: int = 4  # pixels: all sides except the full side are multiples of this

    def __post_init__(self) -> None:
        if not 0 < self.initial < 1:
            raise ValueError(f"initial must be above 0 and below 1, not {self.initial}")
        if not 0 <= self.delay <= self.full <= 1:
            raise ValueError("delay and full must be shares, delay first")
        if self.full == 0:
            raise ValueError("full must be above 0: at 0 every image is full")
        if self.multiple < 1:
            raise ValueError(f"multiple must be at least 1, not {self.multiple}")

    def edits(self) -> Edits:
        return Edits(sets={"resizing": self})

    def pixels(self, full: int, progress: float) -> int:
        """The side in pixels at `progress` (0 to 1), at most `full`.

        >>> [ProgressiveResizing().pixels(32, p) for p in (0.0, 0.49, 0.65, 0.8, 0.99)]
        [16, 16, 24, 32, 32]
        """
        if progress >= self.full:
            return full
        grown = max(0.0, progress - self.delay) / max(self.full - self.delay, 1e-9)
        side = full * (self.initial + (1 - self.initial) * grown)
        return min(full, max(1, round(side / self.multiple)) * self.multiple)

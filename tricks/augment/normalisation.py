"""Normalisation: pixels by your own mean and deviation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.errors import BadInput
from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class Normalisation(Trick):
    """Normalise pixels by this mean and deviation instead of the task's values.

    Pretrained weights need the values of their training; tasks of image files have ImageNet's
    values. Otherwise they matter little in a network with batch norm. A single value is used for
    all channels.
    """

    name: ClassVar[str] = "normalisation"
    source: ClassVar[str] = "Inception's 0.5 and 0.5 (timm's IMAGENET_INCEPTION_MEAN, _STD)"

    mean: tuple[float, ...] = (0.5,)  # of pixels in [0, 1], one value or one per channel
    std: tuple[float, ...] = (0.5,)

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) not in (1, 3) or not all(0 <= x <= 1 for x in values):
                raise ValueError(f"{name} must be one or three values from 0 to 1, not {values}")
        if not all(self.std):
            raise ValueError(f"std must be above 0, not {self.std}")

    def edits(self) -> Edits:
        return Edits(sets={"normalisation": self})

    def of(self, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and deviation of each of `channels`. Raises BadInput for another number of them."""
        for values in (self.mean, self.std):
            if len(values) not in (1, channels):
                raise BadInput(f"{self}: {len(values)} values for images of {channels} channels")
        spread = (v * channels if len(v) == 1 else v for v in (self.mean, self.std))
        return tuple(spread)  # type: ignore[return-value]

"""Linear scaling: the learning rate grows with the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class LinearLrScaling(Trick):
    """Multiply the learning rate by batch size / `batch`, the size for which it was chosen.

    It keeps SGD's progress per image, up to batches of some thousand, with a warmup. For Adam-like
    optimizers the square root fits better. `batch` is the batch size at which the task's learning
    rate was tuned: at 256 (the paper's) a task tuned with batches of 64 gets a quarter of its rate.
    The batch size is the number of images in a step: all images, if the set is smaller than a
    batch, and the whole batch with accumulation.
    """

    name: ClassVar[str] = "linear-lr-scaling"
    source: ClassVar[str] = "Goyal et al. 2017, arXiv:1706.02677"

    batch: int = 256  # images per step for which the learning rate was chosen

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, not {self.batch}")

    def edits(self) -> Edits:
        reason = f"batches already have {self.batch} images"
        return Edits(
            sets={"lr_batch": self.batch},
            acts=((lambda recipe: recipe.batch_size != self.batch, reason),),
        )

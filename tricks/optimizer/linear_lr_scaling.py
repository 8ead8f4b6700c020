"""Linear scaling: the learning rate grows with the batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tricks.trick import Edits, Trick


@dataclass(frozen=True)
class LinearLrScaling(Trick):
    """Multiply the learning rate by the batch size over the one that it was meant for.

    Keeps SGD's progress per image, up to batches of some thousand, with a warmup; Adam and its
    kin rather want the square root. `batch` is the batch size at which the task's learning rate
    was tuned: at 256 (the paper's) a task tuned with batches of 64 gets a quarter of its rate.
    What counts is the images a step really has: of a set smaller than a batch, all of them. With
    accumulation it is the whole batch.
    """

    name: ClassVar[str] = "linear-lr-scaling"
    source: ClassVar[str] = "Goyal et al. 2017, arXiv:1706.02677"

    batch: int = 256  # images per step that the learning rate is meant for

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, not {self.batch}")

    def edits(self) -> Edits:
        reason = f"the rate is meant for batches of {self.batch}, which these are"
        return Edits(
            sets={"lr_batch": self.batch},
            acts=((lambda recipe: recipe.batch_size != self.batch, reason),),
        )

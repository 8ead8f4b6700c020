"""How a run can stop and continue later, for a work that writes checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class Paused(Exception):
    """The training has stopped at a checkpoint. epoch: the number of finished epochs."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"stopped after {epoch} epochs, with a checkpoint")
        self.epoch = epoch


@dataclass(frozen=True)
class Pausing:
    """What a training needs to write checkpoints, and to stop when asked."""

    file: Path  # the checkpoint's
    quarantine: Path  # the folder for unusable checkpoints
    every: float  # seconds between checkpoints
    asked: Callable[[], bool] = lambda: False  # whether it should stop
    claimed: Callable[[], bool] = lambda: True  # whether this process still holds the run

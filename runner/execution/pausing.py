"""How a run can stop in its midst and go on later; for a work that writes checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class Paused(Exception):
    """The training has left; it goes on from its checkpoint. epoch: how many it has finished."""

    def __init__(self, epoch: int) -> None:
        super().__init__(f"left after {epoch} epochs, with a checkpoint")
        self.epoch = epoch


@dataclass(frozen=True)
class Pausing:
    """What a training needs to know to write checkpoints, and to leave when it is asked to."""

    file: Path  # the checkpoint's
    quarantine: Path  # the folder for one that cannot be used
    every: float  # seconds between checkpoints
    asked: Callable[[], bool] = lambda: False  # whether it shall leave
    held: Callable[[], bool] = lambda: True  # whether the run is still this process's

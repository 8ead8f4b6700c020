"""How a training can stop in its midst and go on later; for a `train` that takes `pausing`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

PAUSE = "pause"  # what the runner says to a process whose run shall leave


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


def asks(pipe: Connection) -> Callable[[], bool]:
    """Whether the runner on the other side of `pipe` has said PAUSE, as often as it is called."""
    told = False

    def asked() -> bool:
        nonlocal told
        if not told and pipe.poll():
            try:
                told = pipe.recv() == PAUSE
            except EOFError as error:
                raise BrokenPipeError from error  # the runner is gone
        return told

    return asked

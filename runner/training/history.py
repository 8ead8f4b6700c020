"""The course of a training: its results so far, and its time and memory."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from runner.analysis.metrics.predictions import Predictions
from runner.execution.work import Figures
from runner.training.loaders import Loaders
from runner.training.placement import Lap

TIMES = ("train", "evaluate", "wait", "cpu", "total")


@dataclass
class Training:
    """The result of a training: the model after the last epoch, and the course."""

    model: nn.Module
    steps: int
    diverged: bool = False
    epochs: list[Figures] = field(default_factory=list)
    first_loss: Tensor | float | None = None  # of the first step; a tensor until it is read
    validation: Predictions | None = None  # after the last epoch
    # Seconds. total: before the checkpoint from which it continued, until outcome() adds all.
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(TIMES, 0.0))
    images: int = 0  # images trained on, with repeats
    memory: dict[str, dict[str, float]] = field(
        default_factory=dict
    )  # MiB, by stage: see memory.now
    laps: list[Lap] = field(default_factory=list)  # epochs since it began or continued
    resumed: int = 0  # how often it continued from a checkpoint
    revisions: list[str] = field(default_factory=list)  # code revisions before the last checkpoint

    def by(self, revision: str | None) -> list[str]:
        """Revisions of the code that trained it, in order; `revision` is the last."""
        if revision is None and not self.revisions:
            return []
        now = revision or "unknown"
        return self.revisions if self.revisions[-1:] == [now] else [*self.revisions, now]

    def guessing(self, classes: int) -> float:
        """The loss at the start of training, but at least the cross-entropy of guessing.

        Losses differ in size: bce is a sum over all classes.
        """
        if isinstance(self.first_loss, Tensor):
            self.first_loss = self.first_loss.item()
        return max(math.log(classes), self.first_loss or 0.0)

    def lap(self, early: bool, steps: int, before: Mapping[str, float]) -> None:
        """Note an epoch's steps. early: see `Epoch`. before: seconds when it began."""
        train, wait = (self.seconds[name] - before[name] for name in ("train", "wait"))
        self.laps.append(Lap(early, steps, train, wait))

    def spent(self, since: tuple[float, float], loaders: Loaders) -> None:
        """Add the time since `since`, a result of `clocks`."""
        now = clocks(loaders)
        for name, begin, end in zip(("train", "cpu"), since, now, strict=True):
            self.seconds[name] += end - begin


def clocks(loaders: Loaders) -> tuple[float, float]:
    """Seconds of wall time and of CPU, for this process and its loaders, ended loaders included."""
    return time.perf_counter(), time.process_time() + sum(os.times()[2:4]) + loaders.cpu

"""Listeners: the calls that a program receives while a study is trained."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runner.execution.events import Event
from runner.launch.outcome import Outcome

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.studies.any_study import AnyStudy
    from runner.studies.judged import Look


class Listener(Protocol):
    """Receives a call for each step, in order."""

    def say(self, line: str) -> None:
        """A step or a remark, in one or several lines of text."""

    def training(
        self, total: int, recorded: int, workers: int, results: Path
    ) -> AbstractContextManager[Callable[[Event], None]]:
        """A context around the training of `total` runs. Its value is called with each event.

        recorded: runs that need no training. results: the folder with the logs of runs.
        """

    def looked(self, study: AnyStudy[Spec], look: Look) -> None:
        """A planned look of a sequential study was analyzed."""

    def trained(self, outcome: Outcome) -> None:
        """The study's training has ended; runs without weights may still be trained again."""


class Silent:
    """Ignores everything."""

    def say(self, line: str) -> None:
        """Nothing."""

    def training(
        self, total: int, recorded: int, workers: int, results: Path
    ) -> AbstractContextManager[Callable[[Event], None]]:
        """Events are ignored."""
        return nullcontext(lambda event: None)

    def looked(self, study: AnyStudy[Spec], look: Look) -> None:
        """Nothing."""

    def trained(self, outcome: Outcome) -> None:
        """Nothing."""

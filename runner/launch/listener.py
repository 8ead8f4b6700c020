"""Who is told what happens while a study is trained."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from runner.execution.events import Event
from runner.launch.outcome import Outcome

if TYPE_CHECKING:
    from runner.studies.judged import Look
    from runner.studies.study import Study


class Listener(Protocol):
    """Is told what happens, in the order in which it does."""

    def say(self, line: str) -> None:
        """What is about to be done, or what was noticed; one or several lines of text."""

    def training(
        self, total: int, recorded: int, workers: int, results: Path
    ) -> AbstractContextManager[Callable[[Event], None]]:
        """Entered while `total` runs are trained, of which `recorded` need no training.

        What it gives is called with each event. results: where the logs of runs are.
        """

    def looked(self, study: Study, look: Look) -> None:
        """A planned look at a sequential study was analysed."""

    def trained(self, outcome: Outcome) -> None:
        """The study's training is over; weights that are missing are still to be trained again."""


class Silent:
    """Tells nobody."""

    def say(self, line: str) -> None:
        """Nothing."""

    def training(
        self, total: int, recorded: int, workers: int, results: Path
    ) -> AbstractContextManager[Callable[[Event], None]]:
        """Takes events, and forgets them."""
        return nullcontext(lambda event: None)

    def looked(self, study: Study, look: Look) -> None:
        """Nothing."""

    def trained(self, outcome: Outcome) -> None:
        """Nothing."""

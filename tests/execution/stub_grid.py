"""A store, and executions of stub trainings on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stub_training import Stub, runs, specs

from runner.execution.events import Event, Summary
from runner.execution.executor import execute
from runner.execution.order import Order
from runner.records.store import Store


class Grid:
    """A store, and executions of stub trainings on it."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "results")
        self.diary = folder / "diary"
        self.events: list[Event] = []

    def run(self, seeds: range | list[int], **options: Any) -> Summary:
        self.events.clear()
        on_event = options.pop("on_event", self.events.append)
        order = Order(**{"work": Stub(diary=str(self.diary)), "workers": 2, **options})
        return execute(iter(runs(seeds)), self.store, order, on_event)

    def trainings(self) -> list[str]:
        """Ids of the trainings begun, one for each time."""
        if not self.diary.exists():
            return []
        return [line.split()[0] for line in self.diary.read_text().splitlines()]

    def kinds(self, kind: type) -> int:
        return sum(isinstance(event, kind) for event in self.events)


def id_of(seed: int) -> str:
    return specs([seed])[0].id

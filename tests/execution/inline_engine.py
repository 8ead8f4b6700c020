"""An engine in one file: it does each run in this process, one after the other."""

from __future__ import annotations

from runner.execution.engines import registry
from runner.execution.messages import Assignment, Message
from runner.execution.order import Order
from runner.execution.worker import perform
from runner.records.store import Store


class Inline:
    """Does each run at once."""

    def __init__(self, store: Store, order: Order) -> None:
        self.store, self.order = store, order
        self.heard: list[tuple[str, Message]] = []

    def room(self) -> bool:
        return not self.heard

    def begin(self, assignment: Assignment) -> None:
        id = assignment.run.id
        fate = perform(
            self.store, self.order.work, assignment, lambda news: self.heard.append((id, news))
        )
        self.heard.append((id, fate))

    def listen(self, seconds: float) -> list[tuple[str, Message]]:
        heard, self.heard = self.heard, []
        return heard

    def pause(self) -> None:
        """Does nothing: no run is running when it is called."""

    def end(self, id: str) -> str:
        return ""

    def close(self) -> None:
        """Does nothing: there are no processes."""


registry.register("inline", Inline)

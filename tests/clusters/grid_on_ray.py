"""A store, executions on a Ray cluster, and what happened in them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sent_training import Travels
from stub_training import runs

from runner.execution.events import Epoch, Event
from runner.execution.executor import execute
from runner.execution.limits import Limits
from runner.execution.order import Order
from runner.records.run import Run
from runner.records.store import Store

if TYPE_CHECKING:
    from ray.cluster_utils import Cluster


class Grid:
    """A store, and executions on the cluster."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.store, self.diary = Store(folder / "results"), folder / "diary"
        self.cluster, self.events = cluster, list[Event]()
        self.lose_at = self.stop_at = 0  # epochs, at which to lose a node or to ask for a stop

    def see(self, event: Event) -> None:
        self.events.append(event)
        if not isinstance(event, Epoch):
            return
        if event.metrics["epoch"] == self.lose_at:
            self.lose_at = 0
            lost = self.cluster.list_all_nodes()[-1]
            self.cluster.remove_node(lost, allow_graceful=False)
        if event.metrics["epoch"] == self.stop_at:
            self.stop_at = 0
            os.kill(os.getpid(), signal.SIGINT)

    def execute(self, asked: list[Run], work: Any) -> Any:
        options = {"address": self.cluster.address, "device": "cpu"}
        limits = Limits(checkpoint=0.0)
        order = Order(work, 3, limits=limits, engine="ray", engine_options=options)
        return execute(asked, self.store, order, self.see)

    def run(self, seeds: list[int], **told: Any) -> Any:
        return self.execute(runs(seeds), Travels(str(self.diary), **told))

    def epochs(self, seed: int) -> list[int]:
        """Those trained of a run, in order."""
        pairs = (map(int, line.split()) for line in self.diary.read_text().splitlines())
        return [epoch for found, epoch in pairs if found == seed]

    def record(self, run: Run) -> dict[str, Any]:
        found = self.store.read(run.id)
        assert found is not None
        return found

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

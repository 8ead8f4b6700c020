"""The engine `ray`: actors of a Ray cluster, whose machines share no folder with this one.

This process owns the store: for each run a thread claims it, lets a worker on a node carry it out,
and records the result. Ray does not retry anything: a lost node counts as a system failure.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from pathlib import Path

from runner.execution.engines import registry
from runner.execution.engines.child import LOG_TAIL
from runner.execution.engines.ray_cluster import Asked, connected, lacking, last_line, ray
from runner.execution.engines.ray_node import KEPT, OUTPUTS, Heard, below, ended
from runner.execution.engines.ray_workers import PATIENCE, Killed, Slot, Workers, answered
from runner.execution.messages import Assignment, Message, Mistake, News, PausedAt
from runner.execution.order import Order
from runner.execution.pausing import Pausing
from runner.execution.work import Portable, Work
from runner.execution.worker import Carried, Tell, perform
from runner.records import atomic_write
from runner.records.crash_logs import tail
from runner.records.record_schema import Error
from runner.records.run import Run
from runner.records.store import Store
from tricks.errors import BadInput


class Ray:
    """The workers of one execution."""

    def __init__(self, store: Store, order: Order) -> None:
        """Raises BadInput if Ray or its cluster is missing, or lacks a requested GPU."""
        if not isinstance(order.work, Portable):
            raise BadInput("--engine ray: this work cannot be sent to other machines")
        cluster = connected(Asked.of(order.engine_options))
        self.store, self.order = store, order
        self.workers = Workers(ray().put(order.work.sent()), cluster)
        self.heard: queue.SimpleQueue[tuple[Slot, Message]] = queue.SimpleQueue()
        self.slots: dict[str, Slot] = {}
        self.pausing = threading.Event()

    def room(self) -> bool:
        """Whether fewer runs are running than the number of workers."""
        return len(self.slots) < self.workers.most(self.order.workers)

    def begin(self, assignment: Assignment) -> None:
        """Give the run to a thread, which finds a worker for it."""
        slot = Slot(assignment)
        slot.thread = threading.Thread(target=self._run, args=(slot,), daemon=True)
        self.slots[assignment.run.id] = slot
        slot.thread.start()

    def listen(self, seconds: float) -> list[tuple[str, Message]]:
        """The threads' news of their runs."""
        found: list[tuple[str, Message]] = []
        with contextlib.suppress(queue.Empty):
            slot, message = self.heard.get(timeout=max(seconds, 0.01))
            while True:
                id = slot.assignment.run.id
                if self.slots.get(id) is slot:  # it was not ended meanwhile
                    found.append((id, message))
                    if not isinstance(message, News):
                        del self.slots[id]
                slot, message = self.heard.get_nowait()
        return found

    def pause(self) -> None:
        """Ask running runs to stop at a checkpoint."""
        self.pausing.set()

    def end(self, id: str) -> str:
        """Kill the worker of the run. Returns the end of the run's output."""
        slot = self.slots.pop(id, None)
        if slot is None:
            return ""
        self._kill(slot)
        return tail(slot.log, LOG_TAIL)

    def close(self) -> None:
        """Kill the workers with a run; idle workers clean up and exit."""
        for slot in self.slots.values():
            slot.killed = True
        for slot in self.slots.values():
            self._kill(slot)
        self.slots = {}
        self.workers.leave()

    def _kill(self, slot: Slot) -> None:
        """End the slot's worker and wait for its thread, which then releases the claim."""
        slot.killed = True
        if slot.worker is not None:
            ray().kill(slot.worker)
        if slot.thread is not None:
            slot.thread.join(PATIENCE)

    def _run(self, slot: Slot) -> None:
        """The thread of a run."""

        def tell(message: Message) -> None:
            self.heard.put((slot, message))

        def carry(
            work: Work, run: Run, log: Path, tell: Tell, pausing: Pausing | None
        ) -> Carried | Mistake | PausedAt:
            return self._carry(slot, run, log, tell, pausing)

        try:
            fate: Message | None = self.workers.manned(slot, tell)
            if fate is None:
                order, asked = slot.assignment, self.pausing.is_set
                fate = perform(self.store, self.order.work, order, tell, asked, carry)
        except Killed:
            if slot.worker is not None:  # it may have come since it was looked for
                ray().kill(slot.worker)
            return
        except BaseException as error:
            tell(Mistake(f"the engine ray failed: {type(error).__name__}: {error}"))
            raise
        tell(self.workers.released(slot, fate, tell))

    def _carry(
        self, slot: Slot, run: Run, log: Path, tell: Tell, pausing: Pausing | None
    ) -> Carried | Mistake | PausedAt:
        """Let the slot's worker carry out the run, and copy its files to the store.

        log: the folder of the attempt.
        """
        package = ray()
        worker, place, slot.log = slot.worker, slot.place, log / "log.txt"
        assert worker is not None
        assert place is not None
        assignment, checkpoint = Assignment(run), None
        if pausing is not None:
            assignment = Assignment(run, checkpoint=pausing.every)
            with contextlib.suppress(FileNotFoundError):
                checkpoint = pausing.file.read_bytes()
        try:
            files = below(self.store.root, f"{OUTPUTS}/{run.id}")
            answered(slot, worker.begin.remote(assignment, checkpoint, files))
            while True:
                leave = pausing is not None and pausing.asked()
                heard = answered(slot, worker.listen.remote(leave))
                assert isinstance(heard, Heard)
                self._keep(heard, log, pausing)
                for news in heard.news:
                    tell(news)
                if heard.fate is not None:
                    return heard.fate
        except package.exceptions.RayError as error:
            package.kill(worker)
            slot.worker = None
            kind = "OutOfMemory" if "low on memory" in str(error) else "Lost"
            message = f"its worker on node {place.node} was lost: {last_line(error)}"
            return ended(run, "infra", Error(kind, message, tail(slot.log, LOG_TAIL)))

    def _keep(self, heard: Heard, log: Path, pausing: Pausing | None) -> None:
        for name, added in heard.grown.items():
            with (log / name).open("ab") as file:
                file.write(added)
        if heard.checkpoint is not None and pausing is not None and pausing.claimed():
            atomic_write.replace(pausing.file, heard.checkpoint)
        for name, content in heard.files.items():
            place = self.store.root / name
            if not (name.startswith(KEPT) and place.exists()):
                atomic_write.replace(place, content)


registry.register("ray", Ray, lacking)

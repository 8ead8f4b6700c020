"""The engine `ray`: actors of a Ray cluster, whose machines share no folder with this one.

This process owns the store: for each run a thread claims it, lets a worker on a node carry it out,
and records the result. Ray does not retry anything: a lost node counts as a system failure.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.execution.engines import registry
from runner.execution.engines.child import LOG_TAIL
from runner.execution.engines.ray_cluster import Asked, connected, lacking, last_line, lost, ray
from runner.execution.engines.ray_node import (
    KEPT,
    OUTPUTS,
    Heard,
    Node,
    Place,
    below,
    ended,
    versions,
)
from runner.execution.messages import Alive, Assignment, LeftAt, Message, Mistake, News, Said
from runner.execution.order import Order
from runner.execution.pausing import Pausing
from runner.execution.work import Portable, Work
from runner.execution.worker import Carried, Tell, perform
from runner.records import atomic_write
from runner.records.record_schema import Error
from runner.records.run import Run
from runner.records.store import Store
from tricks.errors import BadInput

if TYPE_CHECKING:
    from ray import ObjectRef
    from ray.actor import ActorHandle

Answer: TypeAlias = Place | Mistake | Heard | None  # of the methods of a node
TICK = 1.0  # seconds between looks at whether a run was ended meanwhile
PATIENCE = 10.0  # seconds that a worker which is to leave may take
RUNS_PER_PROCESS = 1000  # on a GPU, where a process takes seconds to begin


class Killed(Exception):
    """This process has ended the run."""


@dataclass
class Slot:
    """A running run: its thread, and its worker on a node."""

    assignment: Assignment
    thread: threading.Thread | None = None
    worker: ActorHandle[Node] | None = None
    place: Place | None = None
    killed: bool = False
    log: Path | None = None  # what its attempt printed


class Ray:
    """The workers of one execution."""

    def __init__(self, store: Store, order: Order) -> None:
        """Raises BadInput if Ray or its cluster is missing, or lacks a requested GPU."""
        if not isinstance(order.work, Portable):
            raise BadInput("--engine ray: this work cannot be sent to other machines")
        self.cluster = connected(Asked.of(order.engine_options))
        self.store, self.order, self.versions = store, order, versions()
        self.sent = ray().put(order.work.sent())
        self.heard: queue.SimpleQueue[tuple[Slot, Message]] = queue.SimpleQueue()
        self.slots: dict[str, Slot] = {}
        self.idle: list[tuple[ActorHandle[Node], Place]] = []
        self.pausing = threading.Event()
        self.said: set[str] = set()

    def room(self) -> bool:
        """Whether fewer runs are running than the number of workers."""
        return len(self.slots) < self.order.workers

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
        return _tail(slot.log)

    def close(self) -> None:
        """Kill the workers with a run; idle workers clean up and exit."""
        for slot in self.slots.values():
            slot.killed = True
        for slot in self.slots.values():
            self._kill(slot)
        self.slots = {}
        package = ray()
        leaving = [worker.leave.remote() for worker, _ in self.idle]
        with contextlib.suppress(package.exceptions.RayError):
            if leaving:
                package.wait(leaving, num_returns=len(leaving), timeout=PATIENCE)
        for worker, _ in self.idle:
            package.kill(worker)
        self.idle = []

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
        ) -> Carried | Mistake | LeftAt:
            return self._carry(slot, run, log, tell, pausing)

        try:
            fate: Message | None = self._manned(slot, tell)
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
        if slot.worker is not None and slot.place is not None and not slot.killed:
            self.idle.append((slot.worker, slot.place))
        tell(fate)

    def _manned(self, slot: Slot, tell: Tell) -> Mistake | None:
        """Give the slot a ready worker; waits until the cluster has room."""
        package = ray()
        share = 1 / self.cluster.per_gpu if self.cluster.per_gpu else 0
        actor = package.remote(Node).options(
            num_cpus=1, num_gpus=share, max_restarts=0, max_task_retries=0
        )
        runs = RUNS_PER_PROCESS if self.cluster.per_gpu else 1
        while slot.place is None:
            with contextlib.suppress(IndexError):
                slot.worker, slot.place = self.idle.pop()
                break
            slot.worker = actor.remote(self.sent, runs, self.cluster.per_gpu)
            try:
                if not self._placed(slot, slot.worker, tell):
                    continue
                place = self._answer(slot, slot.worker.ready.remote(), tell)
                assert isinstance(place, (Place, Mistake))
            except package.exceptions.RayError as error:
                package.kill(slot.worker)
                if slot.killed:
                    raise Killed from error
                if not lost(error):
                    return Mistake(f"a node of the Ray cluster cannot begin: {last_line(error)}")
                continue
            if isinstance(place, Mistake):
                package.kill(slot.worker)
                return place
            slot.place = place
            self._compare(place, tell)
        return None

    def _placed(self, slot: Slot, worker: ActorHandle[Node], tell: Tell) -> bool:
        """Wait until the new worker has a place on a node.

        False: an idle worker may hold the place that this worker waits for.
        """
        package = ray()
        there: Any = worker.there.remote()
        while not package.wait([there], timeout=TICK)[0]:
            if slot.killed:
                raise Killed
            if self.idle:
                package.kill(worker)
                return False
            tell(Alive())
        package.get(there)
        return True

    def _compare(self, place: Place, tell: Tell) -> None:
        other = [
            f"{name} {place.versions.get(name, 'none')} for {here}"
            for name, here in self.versions.items()
            if place.versions.get(name) != here
        ]
        line = f"node {place.node} has other versions than this machine: {', '.join(other)}"
        if other and line not in self.said:
            self.said.add(line)
            tell(Said(line))

    def _carry(
        self, slot: Slot, run: Run, log: Path, tell: Tell, pausing: Pausing | None
    ) -> Carried | Mistake | LeftAt:
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
            self._answer(slot, worker.begin.remote(assignment, checkpoint, files))
            while True:
                leave = pausing is not None and pausing.asked()
                heard = self._answer(slot, worker.listen.remote(leave))
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
            return ended(run, "infra", Error(kind, message, _tail(slot.log)))

    def _keep(self, heard: Heard, log: Path, pausing: Pausing | None) -> None:
        for name, added in heard.grown.items():
            with (log / name).open("ab") as file:
                file.write(added)
        if heard.checkpoint is not None and pausing is not None and pausing.held():
            atomic_write.replace(pausing.file, heard.checkpoint)
        for name, content in heard.files.items():
            place = self.store.root / name
            if not (name.startswith(KEPT) and place.exists()):
                atomic_write.replace(place, content)

    def _answer(self, slot: Slot, asked: ObjectRef[Answer], waiting: Tell | None = None) -> Answer:
        """The worker's answer. Raises Killed, and RayError if the worker is lost.

        waiting: is told now and then that the run only waits for a worker.
        """
        package = ray()
        while True:
            done, _ = package.wait([asked], timeout=TICK)
            if slot.killed:
                raise Killed
            if done:
                answer: Answer = package.get(asked)
                return answer
            if waiting is not None:
                waiting(Alive())


def _tail(log: Path | None) -> str:
    try:
        return "" if log is None else log.read_bytes()[-LOG_TAIL:].decode(errors="replace")
    except OSError:
        return ""


registry.register("ray", Ray, lacking)

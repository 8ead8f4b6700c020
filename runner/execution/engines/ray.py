"""The engine `ray`: actors of a Ray cluster, whose machines share no folder with this one.

This process owns the store: for each run a thread claims it, has a worker carry it out on a node,
and records what comes back. Nothing is retried by Ray: a lost node is a loss like any other.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.execution.engines import registry
from runner.execution.engines.child import LOG_TAIL
from runner.execution.engines.ray_cluster import Asked, connected, lacking, last_line, lost, ray
from runner.execution.engines.ray_node import OUTPUTS, Heard, Node, Place, below, ended, versions
from runner.execution.losses import Losses, leaves
from runner.execution.messages import (
    Alive,
    Assignment,
    LeftAt,
    Lost,
    Message,
    Mistake,
    News,
    Recorded,
    Said,
)
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
    """The run was ended from here."""


@dataclass
class Slot:
    """A run at hand: its thread, and the worker that it has on a node. losses: of that worker."""

    assignment: Assignment
    thread: threading.Thread | None = None
    worker: ActorHandle[Node] | None = None
    place: Place | None = None
    losses: Losses = field(default_factory=Losses)
    killed: bool = False
    log: Path | None = None  # what its attempt printed


class Ray:
    """The workers of one execution."""

    def __init__(self, store: Store, order: Order) -> None:
        """Raises BadInput where Ray or its cluster is missing, or has no GPU that was asked for."""
        if not isinstance(order.work, Portable):
            raise BadInput("--engine ray: this work cannot be sent to other machines")
        self.cluster = connected(Asked.of(order.engine_options))
        self.store, self.order, self.versions = store, order, versions()
        self.sent = ray().put(order.work.sent())
        self.heard: queue.SimpleQueue[tuple[Slot, Message]] = queue.SimpleQueue()
        self.slots: dict[str, Slot] = {}
        self.idle: list[tuple[ActorHandle[Node], Place, Losses]] = []
        # On nodes that seem broken. They keep their places there, so that no other gets these.
        self.benched: list[ActorHandle[Node]] = []
        self.last = ""  # why the last of them gets no more runs
        self.pausing = threading.Event()
        self.said: set[str] = set()

    def room(self) -> bool:
        """Whether fewer runs are at hand than there are to be workers."""
        left = self.cluster.room - len(self.benched)
        most = min(self.order.workers, left) if self.benched else self.order.workers
        return len(self.slots) < most

    def begin(self, assignment: Assignment) -> None:
        """Give the run to a thread, which finds it a worker."""
        slot = Slot(assignment)
        slot.thread = threading.Thread(target=self._run, args=(slot,), daemon=True)
        self.slots[assignment.run.id] = slot
        slot.thread.start()

    def listen(self, seconds: float) -> list[tuple[str, Message]]:
        """What the threads heard of their runs."""
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
        """Ask the runs at hand to leave at a checkpoint."""
        self.pausing.set()

    def end(self, id: str) -> str:
        """Kill the worker of the run; the end of what the run printed."""
        slot = self.slots.pop(id, None)
        if slot is None:
            return ""
        self._kill(slot)
        return _tail(slot.log)

    def close(self) -> None:
        """Kill the workers that are at a run; idle ones clear up and leave."""
        for slot in self.slots.values():
            slot.killed = True
        for slot in self.slots.values():
            self._kill(slot)
        self.slots = {}
        package = ray()
        workers = [*(worker for worker, *_ in self.idle), *self.benched]
        leaving = [worker.leave.remote() for worker in workers]
        with contextlib.suppress(package.exceptions.RayError):
            if leaving:
                package.wait(leaving, num_returns=len(leaving), timeout=PATIENCE)
        for worker in workers:
            package.kill(worker)
        self.idle, self.benched = [], []

    def _kill(self, slot: Slot) -> None:
        """End the slot's worker and wait for its thread, which then gives up the claim."""
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
            fate = self._released(slot, slot.worker, slot.place, fate, tell)
        tell(fate)

    def _released(
        self, slot: Slot, worker: ActorHandle[Node], place: Place, fate: Message, tell: Tell
    ) -> Message:
        """Keep the worker for another run, unless its node seems broken; the fate of its run."""
        match fate:
            case Lost(error) | Recorded("infra", _, _, Error() as error):
                slot.losses.lost(slot.assignment.run, error)
            case Recorded():
                slot.losses.none()
        why = slot.losses.why()
        if not why:
            self.idle.append((worker, place, slot.losses))
            return fate
        self._bench(worker, leaves(f"node {place.node}", why), tell)
        return Mistake(self.last) if self._none_left() else fate

    def _bench(self, worker: ActorHandle[Node], why: str, tell: Tell) -> None:
        """Give the worker no more runs: its node seems broken, or lacks what runs need."""
        self.benched.append(worker)
        self.last = why
        self._say(why, tell)

    def _none_left(self) -> bool:
        """Whether every place in the cluster is on such a node."""
        return len(self.benched) >= self.cluster.room

    def _manned(self, slot: Slot, tell: Tell) -> Mistake | None:
        """Give the slot a worker that is ready, however long the cluster takes to have room."""
        package = ray()
        share = 1 / self.cluster.per_gpu if self.cluster.per_gpu else 0
        actor = package.remote(Node).options(
            num_cpus=1, num_gpus=share, max_restarts=0, max_task_retries=0
        )
        runs = RUNS_PER_PROCESS if self.cluster.per_gpu else 1
        while slot.place is None:
            if self._none_left():
                return Mistake(self.last)
            with contextlib.suppress(IndexError):
                slot.worker, slot.place, slot.losses = self.idle.pop()
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
                self._bench(slot.worker, place.message, tell)
                continue
            slot.place = place
            self._compare(place, tell)
        return None

    def _placed(self, slot: Slot, worker: ActorHandle[Node], tell: Tell) -> bool:
        """Wait until the new worker has a place on a node.

        False: another is idle, which may hold the very place that this one waits for; or there is
        no place that runs could have.
        """
        package = ray()
        there: Any = worker.there.remote()
        while not package.wait([there], timeout=TICK)[0]:
            if slot.killed:
                raise Killed
            if self.idle or self._none_left():
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
        if other:
            line = f"node {place.node} has other versions than this machine: {', '.join(other)}"
            self._say(line, tell)

    def _say(self, line: str, tell: Tell) -> None:
        """The line, once."""
        if line not in self.said:
            self.said.add(line)
            tell(Said(line))

    def _carry(
        self, slot: Slot, run: Run, log: Path, tell: Tell, pausing: Pausing | None
    ) -> Carried | Mistake | LeftAt:
        """Have the slot's worker carry the run out; what it leaves comes into the store.

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
            if not (name.startswith("examples/") and place.exists()):
                atomic_write.replace(place, content)

    def _answer(self, slot: Slot, asked: ObjectRef[Answer], waiting: Tell | None = None) -> Answer:
        """What the worker answers. Raises Killed, and RayError where the worker is lost.

        waiting: hears now and then that the run only waits for a worker.
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

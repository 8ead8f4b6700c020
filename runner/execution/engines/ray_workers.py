"""Workers of the engine `ray`: found for a run, kept for the next one, or given no more."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.execution.engines.ray_cluster import Cluster, last_line, lost, ray
from runner.execution.engines.ray_node import Heard, Node, Place, versions
from runner.execution.losses import Losses, leaves
from runner.execution.messages import (
    Alive,
    Assignment,
    Lost,
    Message,
    Mistake,
    Recorded,
    Said,
)
from runner.execution.work import Sent
from runner.execution.worker import Tell
from runner.records.record_schema import Error

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


class Workers:
    """Those of one execution that are at no run now. sent: the work, in Ray's object store."""

    def __init__(self, sent: ObjectRef[Sent], cluster: Cluster) -> None:
        self.sent, self.cluster, self.versions = sent, cluster, versions()
        self.idle: list[tuple[ActorHandle[Node], Place, Losses]] = []
        # On nodes that seem broken. They keep their places there, so that no other gets these.
        self.benched: list[ActorHandle[Node]] = []
        self.last = ""  # why the last of them gets no more runs
        self.said: set[str] = set()

    def most(self, asked: int) -> int:
        """Runs at a time, where so many are asked for."""
        return min(asked, self.cluster.room - len(self.benched)) if self.benched else asked

    def leave(self) -> None:
        """Let all clear up, and end them."""
        package = ray()
        workers = [*(worker for worker, *_ in self.idle), *self.benched]
        leaving = [worker.leave.remote() for worker in workers]
        with contextlib.suppress(package.exceptions.RayError):
            if leaving:
                package.wait(leaving, num_returns=len(leaving), timeout=PATIENCE)
        for worker in workers:
            package.kill(worker)
        self.idle, self.benched = [], []

    def manned(self, slot: Slot, tell: Tell) -> Mistake | None:
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
                place = answered(slot, slot.worker.ready.remote(), tell)
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

    def released(self, slot: Slot, fate: Message, tell: Tell) -> Message:
        """Keep the slot's worker for another run, unless its node seems broken; the run's fate."""
        if slot.worker is None or slot.place is None or slot.killed:
            return fate
        match fate:
            case Lost(error) | Recorded("infra", _, _, Error() as error):
                slot.losses.lost(slot.assignment.run, error)
            case Recorded():
                slot.losses.none()
        why = slot.losses.why()
        if not why:
            self.idle.append((slot.worker, slot.place, slot.losses))
            return fate
        self._bench(slot.worker, leaves(f"node {slot.place.node}", why), tell)
        return Mistake(self.last) if self._none_left() else fate

    def _bench(self, worker: ActorHandle[Node], why: str, tell: Tell) -> None:
        """Give the worker no more runs: its node seems broken, or lacks what runs need."""
        self.benched.append(worker)
        self.last = why
        self._say(why, tell)

    def _none_left(self) -> bool:
        """Whether every place in the cluster is on such a node."""
        return len(self.benched) >= self.cluster.room

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


def answered(slot: Slot, asked: ObjectRef[Answer], waiting: Tell | None = None) -> Answer:
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

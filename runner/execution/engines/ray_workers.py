"""Workers of the engine `ray`: found for a run, kept for the next run, or given no more runs."""

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

Answer: TypeAlias = Place | Mistake | Heard | None  # returned by the methods of a node
TICK = 1.0  # seconds between checks whether a run was ended
PATIENCE = 10.0  # seconds that a leaving worker may take
RUNS_PER_PROCESS = 1000  # on a GPU, where a process takes seconds to begin


class Killed(Exception):
    """This process ended the run."""


@dataclass
class Slot:
    """A run in progress: its thread, and its worker on a node. losses: of this worker."""

    assignment: Assignment
    thread: threading.Thread | None = None
    worker: ActorHandle[Node] | None = None
    place: Place | None = None
    losses: Losses = field(default_factory=Losses)
    killed: bool = False
    log: Path | None = None  # the output of its attempt


class Workers:
    """The workers of one execution without a run. sent: the work, in Ray's object store."""

    def __init__(self, sent: ObjectRef[Sent], cluster: Cluster) -> None:
        self.sent, self.cluster, self.versions = sent, cluster, versions()
        self.idle: list[tuple[ActorHandle[Node], Place, Losses]] = []
        # On nodes that seem broken. They keep their places, so no new worker is placed there.
        self.benched: list[ActorHandle[Node]] = []
        self.last = ""  # why the last benched worker gets no more runs
        self.said: set[str] = set()

    def most(self, asked: int) -> int:
        """The number of parallel runs, at most `asked`, for which the cluster has places."""
        return min(asked, self.cluster.room - len(self.benched)) if self.benched else asked

    def leave(self) -> None:
        """Let all workers remove their files, then end them."""
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
        """Wait until the cluster has room, and give the slot a worker that is ready."""
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
                    return Mistake(
                        f"a node of the Ray cluster cannot begin: {last_line(error)} (each node "
                        "needs the same Python and the same packages, see docs/clusters.md)"
                    )
                continue
            if isinstance(place, Mistake):
                self._bench(slot.worker, place.message, tell)
                continue
            slot.place = place
            self._compare(place, tell)
        return None

    def released(self, slot: Slot, fate: Message, tell: Tell) -> Message:
        """The run's fate. Keeps the slot's worker for another run, unless its node seems broken."""
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
        """Whether every place in the cluster belongs to a benched worker."""
        return len(self.benched) >= self.cluster.room

    def _placed(self, slot: Slot, worker: ActorHandle[Node], tell: Tell) -> bool:
        """Wait until the new worker has a place on a node.

        False if another worker is idle, which may hold the place that this worker waits for, or if
        the cluster has no place for runs.
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
        """Tell the line to the user, once."""
        if line not in self.said:
            self.said.add(line)
            tell(Said(line))


def answered(slot: Slot, asked: ObjectRef[Answer], waiting: Tell | None = None) -> Answer:
    """The worker's answer. Raises Killed, and RayError if the worker is lost.

    waiting: regularly receives the news that the run waits for a worker.
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

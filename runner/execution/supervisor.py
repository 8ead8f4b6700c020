"""Supervisor: hands runs to an engine, receives messages about them, and decides what follows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import asdict

from runner.execution.engines.engine import Engine
from runner.execution.events import (
    Epoch,
    Event,
    Finished,
    PausedRun,
    Remark,
    Retry,
    Skipped,
    Started,
    Stopping,
    Summary,
    Waiting,
)
from runner.execution.failure import of_silence
from runner.execution.interrupt import Interrupt
from runner.execution.limits import Bounds
from runner.execution.losses import Losses
from runner.execution.messages import (
    Alive,
    Assignment,
    Begun,
    Elsewhere,
    Ended,
    EpochDone,
    Known,
    Lost,
    Message,
    Mistake,
    PausedAt,
    Recorded,
    Said,
    Unwritable,
)
from runner.execution.run_queue import PendingRun, RunQueue
from runner.records import checkpoints
from runner.records.record import DONE
from runner.records.record_schema import Error
from runner.records.store import Store
from tricks.errors import BadInput

GO_ON = "recorded runs are safe: make room there, then run the same command again"
TICK = 0.2  # seconds between looks at signals and claims


@dataclass
class AtHand:
    """A run that the engine has accepted."""

    pending: PendingRun
    heard: float  # monotonic time of its last message
    attempt: int = 0  # 0: not yet begun


@dataclass
class Supervisor:
    """The runs of one execution, and their outcomes."""

    store: Store
    engine: Engine
    retries: int
    bounds: Bounds
    tell: Callable[[Event], None]
    lasting: bool = False  # whether running runs continue when this process exits
    at_hand: dict[str, AtHand] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    paused: int = 0  # runs that will continue from their checkpoint
    losses: Losses = field(default_factory=Losses)
    broken: str = ""  # why the machine seems broken
    halted: bool = False  # stopped by a mistake, a limit or losses, not by a request
    mistake: str | None = None  # a message for the user, from a training or about the disk

    def supervise(self, queue: RunQueue, interrupt: Interrupt) -> Summary:
        """Hand out runs until none is left, or until asked to stop."""
        told = 0
        while True:
            if not interrupt.requests:  # a further signal would count as the second
                self.halted = bool(self._halts())
            stops = interrupt.requests + self.halted
            if stops and self.lasting:
                stops = 2
            if stops > told:
                told = stops
                if self.at_hand or interrupt.requests:
                    why = "" if interrupt.requests else self._halts()
                    pausing = not self.lasting and self._pause()
                    self.tell(Stopping(len(self.at_hand), now=told > 1, why=why, pausing=pausing))
            if told > 1:
                break
            closing = bool(told) or not self.bounds.fits
            if not closing:
                self._hand_out(queue)
            left = closing and not self.at_hand and queue.any_left()
            self._report(queue)
            left |= queue.only_elsewhere and not self.bounds.limits.keeper
            if not self.at_hand and (left or queue.empty):
                break
            self._listen(queue)
        if self.mistake is not None:
            raise BadInput(self.mistake)
        left_over = not queue.empty or self.paused > 0
        done = {state: self.counts[state] for state in ("ok", "diverged", "failed", "infra")}
        return Summary(
            **done,
            skipped=self.counts["skipped"],
            interrupted=bool(self.at_hand or left_over),
            failed_before=queue.failed_before,
            asked_to_stop=interrupt.requests > 0,
            out_of_time=not interrupt.requests and not self.bounds.fits and left_over,
            paused=self.paused,
            broken=self.broken,
        )

    def _halts(self) -> str:
        """Why no more runs are begun; "": they are."""
        over = "the time limit is reached" if self.bounds.seconds_left <= 0 else ""
        return self.mistake or self.broken or over

    def _pause(self) -> bool:
        """Ask running runs to stop at a checkpoint. Returns whether they can."""
        if self.bounds.limits.checkpoint is None:
            return False
        self.engine.pause()
        return True

    def _hand_out(self, queue: RunQueue) -> None:
        while self.engine.room():
            pending = queue.next(fresh=self.losses.count > 0)
            if pending is None:
                return
            cramped = self.bounds.cramped()
            if cramped:
                self.mistake = self._no_room(cramped)
                queue.retry(pending)
                return
            pending.reached = max(pending.reached, self._reached(pending))
            last, every = pending.losses >= self.retries, self.bounds.limits.checkpoint
            run, claim, reached = pending.run, pending.stale_claim, pending.reached
            self.engine.begin(Assignment(run, claim, last, reached, every))
            self.at_hand[run.id] = AtHand(pending, time.monotonic())

    def _report(self, queue: RunQueue) -> None:
        if queue.skipped:
            self.counts["skipped"] += queue.skipped
            self.tell(Skipped(queue.skipped))
            queue.skipped = 0
        waiting = len(queue.elsewhere) if queue.exhausted and not self.at_hand else 0
        if waiting and waiting != self.waiting:
            self.tell(Waiting(waiting))
        self.waiting = waiting

    def _listen(self, queue: RunQueue) -> None:
        """Receive messages about runs, and end runs that are silent for too long."""
        scanning = not queue.exhausted and self.engine.room()
        begin = time.monotonic()
        heard = self.engine.listen(0 if scanning else TICK)
        now = time.monotonic()
        if now - begin > 10 * TICK:  # this process was stopped, or the machine slept
            for run in self.at_hand.values():
                run.heard = now
        for id, message in heard:
            if id in self.at_hand:
                self._heard(self.at_hand[id], queue, message)
        stall = self.bounds.limits.stall
        for id, run in tuple(self.at_hand.items()):
            if now - run.heard > stall:
                state, error = of_silence(stall, self.engine.end(id))
                self._heard(run, queue, Ended(state, error))

    def _heard(self, run: AtHand, queue: RunQueue, message: Message) -> None:
        pending, run.heard = run.pending, time.monotonic()
        match message:
            case Begun(attempt):
                run.attempt = attempt
                self.tell(Started(pending.run.id, pending.run.label, attempt, pending.run.epochs))
                return
            case EpochDone(metrics):
                self.tell(Epoch(pending.run.id, pending.run.label, metrics))
                return
            case Said(line):
                self.tell(Remark(line))
                return
            case Alive():
                return
        del self.at_hand[pending.run.id]
        match message:
            case Recorded():
                self._finish(pending, message)
            case Lost(error):
                self._lose(pending, queue, error)
            case Ended(state, error):
                self._bury(run, queue, state, error)
            case Elsewhere():
                queue.defer(pending)
            case Known(state):
                queue.skip(state)
            case PausedAt(epoch):
                self.paused += 1
                self.tell(PausedRun(pending.run.id, pending.run.label, epoch))
            case Mistake(text):
                self.mistake = self.mistake or text
            case Unwritable(reason):
                raise self._unwritable(reason)

    def _bury(self, run: AtHand, queue: RunQueue, state: str, error: Error) -> None:
        """A worker ended during a run: record this for the worker, or retry the run."""
        pending = run.pending
        lasting = pending.losses >= self.retries and self._reached(pending) <= pending.reached
        if state == "infra" and not lasting:
            self._lose(pending, queue, error)
            return
        id = pending.run.id
        try:
            claim = self.store.claims.take(id)
        except OSError as problem:
            raise self._unwritable(problem.strerror) from problem
        if claim is None:
            queue.defer(pending)
            return
        end = {"state": state, "attempt": run.attempt, "error": asdict(error)}
        try:
            known = self.store.state(id) is not None
            if known or not self.store.commit({"id": id, **pending.run.payload, **end}):
                queue.skip(self.store.state(id))
            else:
                if state in DONE:
                    checkpoints.remove(checkpoints.path_of(self.store.root, id))
                self._finish(pending, Recorded(state, None, 0.0, error))
        except OSError as problem:
            raise self._unwritable(problem.strerror) from problem
        finally:
            claim.release()

    def _lose(self, pending: PendingRun, queue: RunQueue, error: Error) -> None:
        further = self._reached(pending) > pending.reached
        pending.losses, pending.stale_claim = 0 if further else pending.losses + 1, None
        self._counted(pending, None if further else error)
        self.tell(Retry(pending.run.id, pending.run.label, pending.losses, error))
        queue.retry(pending)

    def _counted(self, pending: PendingRun, lost: Error | None) -> None:
        if lost is None:
            self.losses.none()
        else:
            self.losses.lost(pending.run, lost)
        if self.bounds.limits.leaves:
            self.broken = self.broken or self.losses.why()

    def _reached(self, pending: PendingRun) -> int:
        return checkpoints.reached(checkpoints.path_of(self.store.root, pending.run.id))

    def _finish(self, pending: PendingRun, end: Recorded) -> None:
        self.counts[end.state] += 1
        self.bounds.took(end.seconds)
        self._counted(pending, end.error if end.state == "infra" else None)
        figures = end.state, end.validation, end.seconds, end.error
        self.tell(Finished(pending.run.id, pending.run.label, *figures))

    def _unwritable(self, reason: str | None) -> BadInput:
        return BadInput(f"cannot write to the store {self.store.root}: {reason}; {GO_ON}")

    def _no_room(self, lack: str) -> str:
        return f"the store {self.store.root} is out of room: {lack}; {GO_ON}"

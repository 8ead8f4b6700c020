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
    Left,
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
from runner.execution.jobs import Job, Jobs
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
    LeftAt,
    Lost,
    Message,
    Mistake,
    Recorded,
    Said,
    Unwritable,
)
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

    job: Job
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

    def supervise(self, jobs: Jobs, interrupt: Interrupt) -> Summary:
        """Hand out jobs until none is left, or until asked to stop."""
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
                self._hand_out(jobs)
            left = closing and not self.at_hand and jobs.left()
            self._report(jobs)
            left |= jobs.held and not self.bounds.limits.keeper
            if not self.at_hand and (left or jobs.over):
                break
            self._listen(jobs)
        if self.mistake is not None:
            raise BadInput(self.mistake)
        left_over = not jobs.over or self.paused > 0
        done = {state: self.counts[state] for state in ("ok", "diverged", "failed", "infra")}
        return Summary(
            **done,
            skipped=self.counts["skipped"],
            interrupted=bool(self.at_hand or left_over),
            failed_before=jobs.failed_before,
            asked_to_stop=interrupt.requests > 0,
            out_of_time=not interrupt.requests and not self.bounds.fits and left_over,
            paused=self.paused,
            broken=self.broken,
        )

    def _halts(self) -> str:
        """Why no more runs are begun; "": they are."""
        over = "the time limit is reached" if self.bounds.left <= 0 else ""
        return self.mistake or self.broken or over

    def _pause(self) -> bool:
        """Ask running runs to stop at a checkpoint. Returns whether they can."""
        if self.bounds.limits.checkpoint is None:
            return False
        self.engine.pause()
        return True

    def _hand_out(self, jobs: Jobs) -> None:
        while self.engine.room():
            job = jobs.next(fresh=self.losses.count > 0)
            if job is None:
                return
            cramped = self.bounds.cramped()
            if cramped:
                self.mistake = self._no_room(cramped)
                jobs.retry(job)
                return
            job.reached = max(job.reached, self._reached(job))
            last, every = job.losses >= self.retries, self.bounds.limits.checkpoint
            self.engine.begin(Assignment(job.run, job.over, last, job.reached, every))
            self.at_hand[job.run.id] = AtHand(job, time.monotonic())

    def _report(self, jobs: Jobs) -> None:
        if jobs.skipped:
            self.counts["skipped"] += jobs.skipped
            self.tell(Skipped(jobs.skipped))
            jobs.skipped = 0
        waiting = len(jobs.elsewhere) if jobs.exhausted and not self.at_hand else 0
        if waiting and waiting != self.waiting:
            self.tell(Waiting(waiting))
        self.waiting = waiting

    def _listen(self, jobs: Jobs) -> None:
        """Receive messages about runs, and end runs that are silent for too long."""
        scanning = not jobs.exhausted and self.engine.room()
        begin = time.monotonic()
        heard = self.engine.listen(0 if scanning else TICK)
        now = time.monotonic()
        if now - begin > 10 * TICK:  # this process was stopped, or the machine slept
            for run in self.at_hand.values():
                run.heard = now
        for id, message in heard:
            if id in self.at_hand:
                self._heard(self.at_hand[id], jobs, message)
        stall = self.bounds.limits.stall
        for id, run in tuple(self.at_hand.items()):
            if now - run.heard > stall:
                state, error = of_silence(stall, self.engine.end(id))
                self._heard(run, jobs, Ended(state, error))

    def _heard(self, run: AtHand, jobs: Jobs, message: Message) -> None:
        job, run.heard = run.job, time.monotonic()
        match message:
            case Begun(attempt):
                run.attempt = attempt
                self.tell(Started(job.run.id, job.run.label, attempt, job.run.epochs))
                return
            case EpochDone(metrics):
                self.tell(Epoch(job.run.id, job.run.label, metrics))
                return
            case Said(line):
                self.tell(Remark(line))
                return
            case Alive():
                return
        del self.at_hand[job.run.id]
        match message:
            case Recorded():
                self._finish(job, message)
            case Lost(error):
                self._lose(job, jobs, error)
            case Ended(state, error):
                self._bury(run, jobs, state, error)
            case Elsewhere():
                jobs.defer(job)
            case Known(state):
                jobs.skip(state)
            case LeftAt(epoch):
                self.paused += 1
                self.tell(Left(job.run.id, job.run.label, epoch))
            case Mistake(text):
                self.mistake = self.mistake or text
            case Unwritable(reason):
                raise self._unwritable(reason)

    def _bury(self, run: AtHand, jobs: Jobs, state: str, error: Error) -> None:
        """A worker ended during a run: record this for the worker, or retry the run."""
        job = run.job
        lasting = job.losses >= self.retries and self._reached(job) <= job.reached
        if state == "infra" and not lasting:
            self._lose(job, jobs, error)
            return
        id = job.run.id
        try:
            claim = self.store.claims.take(id)
        except OSError as problem:
            raise self._unwritable(problem.strerror) from problem
        if claim is None:
            jobs.defer(job)
            return
        end = {"state": state, "attempt": run.attempt, "error": asdict(error)}
        try:
            known = self.store.state(id) is not None
            if known or not self.store.commit({"id": id, **job.run.payload, **end}):
                jobs.skip(self.store.state(id))
            else:
                if state in DONE:
                    checkpoints.remove(checkpoints.path_of(self.store.root, id))
                self._finish(job, Recorded(state, None, 0.0, error))
        except OSError as problem:
            raise self._unwritable(problem.strerror) from problem
        finally:
            claim.release()

    def _lose(self, job: Job, jobs: Jobs, error: Error) -> None:
        further = self._reached(job) > job.reached
        job.losses, job.over = 0 if further else job.losses + 1, None
        self._counted(job, None if further else error)
        self.tell(Retry(job.run.id, job.run.label, job.losses, error))
        jobs.retry(job)

    def _counted(self, job: Job, lost: Error | None) -> None:
        if lost is None:
            self.losses.none()
        else:
            self.losses.lost(job.run, lost)
        if self.bounds.limits.leaves:
            self.broken = self.broken or self.losses.why()

    def _reached(self, job: Job) -> int:
        return checkpoints.reached(checkpoints.path_of(self.store.root, job.run.id))

    def _finish(self, job: Job, end: Recorded) -> None:
        self.counts[end.state] += 1
        self.bounds.took(end.seconds)
        self._counted(job, end.error if end.state == "infra" else None)
        figures = end.state, end.validation, end.seconds, end.error
        self.tell(Finished(job.run.id, job.run.label, *figures))

    def _unwritable(self, reason: str | None) -> BadInput:
        return BadInput(f"cannot write to the store {self.store.root}: {reason}; {GO_ON}")

    def _no_room(self, lack: str) -> str:
        return f"the store {self.store.root} is out of room: {lack}; {GO_ON}"

"""Supervisor: hands runs to its children, hears what becomes of them, and outlives them all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any

from runner.execution import oom
from runner.execution.engines import template
from runner.execution.engines.child import Child
from runner.execution.events import (
    Epoch,
    Event,
    Failure,
    Finished,
    Left,
    Retry,
    Skipped,
    Started,
    Stopping,
    Summary,
    Waiting,
)
from runner.execution.failure import of_exit, of_silence
from runner.execution.interrupt import Interrupt
from runner.execution.jobs import Job, Jobs
from runner.execution.limits import Bounds
from runner.execution.pausing import PAUSE
from runner.execution.worker import DONE, Train, work
from runner.records import checkpoints
from runner.records.store import Store
from tricks.errors import BadInput

GO_ON = "what is recorded is safe: make room there, then run the same command again"
TICK = 0.2  # seconds between looks at signals and claims


@dataclass
class Supervisor:
    """The children of one execution, and what came of their runs."""

    store: Store
    train: Train
    workers: int
    plugins: tuple[str, ...]
    runs_per_process: int
    gpus: tuple[str, ...]
    retries: int
    bounds: Bounds
    tell: Callable[[Event], None]
    children: list[Child] = field(default_factory=list)
    leaving: list[Child] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    waiting: int = 0
    paused: int = 0  # runs that go on from their checkpoint
    halted: bool = False  # by a mistake or the time limit, before anybody asked
    mistake: str | None = None  # what a training, or the disk, gives the user to mend

    def supervise(self, jobs: Jobs, interrupt: Interrupt) -> Summary:
        """Hand out jobs until none is left, or until asked to stop."""
        told = 0
        while True:
            if not interrupt.requests:  # after one, these would pass for the second
                self.halted = self.mistake is not None or self.bounds.left <= 0
            stops = interrupt.requests + self.halted
            if stops > told:
                told = stops
                if self._busy() or interrupt.requests:
                    why = "" if interrupt.requests else self.mistake or "the time is over"
                    pausing = self._pause()
                    self.tell(Stopping(self._busy(), now=told > 1, why=why, pausing=pausing))
            if told > 1:
                break
            closing = bool(told) or not self.bounds.fits
            if not closing:
                self._hand_out(jobs)
            left = closing and not self._busy() and jobs.left()
            self._report(jobs)
            if not self._busy() and (left or jobs.over):
                break
            self._listen(jobs)
        if self.mistake is not None:
            raise BadInput(self.mistake)
        left_over = not jobs.over or self.paused > 0
        done = {state: self.counts[state] for state in ("ok", "diverged", "failed", "infra")}
        return Summary(
            **done,
            skipped=self.counts["skipped"],
            interrupted=bool(self._busy() or left_over),
            failures=tuple(self.failures),
            failed_before=jobs.failed_before,
            asked_to_stop=interrupt.requests > 0,
            out_of_time=not interrupt.requests and not self.bounds.fits and left_over,
            paused=self.paused,
        )

    def kill_all(self) -> None:
        """End every child, now."""
        everyone = (*self.children, *self.leaving)
        for child in everyone:
            if child.process.is_alive():
                child.process.kill()
        for child in everyone:
            child.bury()
        self.children, self.leaving = [], []

    def _pause(self) -> bool:
        """Ask running runs to leave at a checkpoint; whether they can."""
        if self.bounds.limits.checkpoint is None:
            return False
        for child in self.children:
            if child.job is not None:
                child.say(PAUSE)
        return True

    def _busy(self) -> int:
        return sum(child.job is not None for child in self.children)

    def _hand_out(self, jobs: Jobs) -> None:
        while self._busy() < self.workers:
            job = jobs.next()
            if job is None:
                return
            cramped = self.bounds.cramped()
            if cramped:
                self.mistake = self._no_room(cramped)
                jobs.retry(job)
                return
            job.reached = max(job.reached, self._reached(job))
            every = self.bounds.limits.checkpoint
            message = {**job.message(self.retries), "checkpoint": every}
            idle = next((child for child in self.children if child.job is None), None)
            if idle is not None:
                idle.begin(job, message)
                continue
            held = Counter(child.gpu for child in self.children)
            gpu = min(self.gpus, key=lambda name: held[name], default=None)
            arguments = (str(self.store.root.absolute()), self.train, self.plugins, message, gpu)
            process, pipe = template.start(work, arguments)
            left, now = self.runs_per_process - 1, time.monotonic()
            self.children.append(Child(process, pipe, job, left, now, gpu, ooms=oom.kills()))

    def _report(self, jobs: Jobs) -> None:
        if jobs.skipped:
            self.counts["skipped"] += jobs.skipped
            self.tell(Skipped(jobs.skipped))
            jobs.skipped = 0
        waiting = len(jobs.elsewhere) if jobs.exhausted and not self._busy() else 0
        if waiting and waiting != self.waiting:
            self.tell(Waiting(waiting))
        self.waiting = waiting

    def _listen(self, jobs: Jobs) -> None:
        """Take in what children say, and those that end or say nothing for too long."""
        scanning = not jobs.exhausted and self._busy() < self.workers
        sources = [x for child in self.children for x in (child.pipe, child.process.sentinel)]
        begin = time.monotonic()
        if sources:
            wait(sources, timeout=0 if scanning else TICK)
        elif not scanning:
            time.sleep(TICK)
        now = time.monotonic()
        if now - begin > 10 * TICK:  # this process was stopped, or the machine slept
            for child in self.children:
                child.heard = now
        for child in tuple(self.children):
            alive = child.process.is_alive()  # asked first: its last words are then in the pipe
            self._hear(child, jobs)
            if child not in self.children:
                continue
            if not alive:
                began = child.attempt is not None
                ended = of_exit(child.process.exitcode, child.log(), child.starved(), began)
                self._bury(child, jobs, *ended)
            elif child.job is not None and now - child.heard > self.bounds.limits.stall:
                child.process.kill()
                self._bury(child, jobs, *of_silence(self.bounds.limits.stall, child.log()))
        for child in tuple(self.leaving):
            if not child.process.is_alive():
                child.bury()
                self.leaving.remove(child)

    def _hear(self, child: Child, jobs: Jobs) -> None:
        try:
            while child in self.children and child.pipe.poll():
                kind, *rest = child.pipe.recv()
                child.heard = time.monotonic()
                self._heard(child, jobs, kind, rest)
        except (EOFError, OSError):
            pass  # it has ended: its sentinel tells the rest

    def _heard(self, child: Child, jobs: Jobs, kind: str, rest: list[Any]) -> None:
        job = child.job
        assert job is not None
        if kind == "started":
            child.attempt = self.store.root / "attempts" / job.id[:2] / job.id / str(rest[0])
            epochs = job.spec["recipe"].get("epochs")
            self.tell(Started(job.id, job.label, rest[0], epochs))
            return
        if kind == "epoch":
            self.tell(Epoch(job.id, job.label, rest[0]))
        if kind in ("epoch", "alive"):
            return
        well = kind == "paused" or (kind == "finished" and rest[0] in ("ok", "diverged"))
        self._release(child, keep=well or child.attempt is None)
        if kind == "finished":
            self._finish(job, *rest)
        elif kind == "infra":
            self._lose(job, jobs, rest[0])
        elif kind == "elsewhere":
            jobs.defer(job)
        elif kind == "recorded":
            jobs.skip(rest[0])
        elif kind == "paused":
            self.paused += 1
            self.tell(Left(job.id, job.label, rest[0]))
        elif kind == "mistake":
            self.mistake = self.mistake or rest[0]
        elif kind == "unwritable":
            raise self._unwritable(rest[0])

    def _release(self, child: Child, keep: bool) -> None:
        """The child is done with its run: keep it for the next, or let it go.

        One whose training went wrong has to go: its CUDA context may be of no more use.
        """
        child.job, child.attempt = None, None
        if not keep or child.left < 1:
            self.children.remove(child)
            self.leaving.append(child)
            child.dismiss()

    def _bury(self, child: Child, jobs: Jobs, state: str, error: dict[str, str]) -> None:
        """The child ended with a run in its hands: record that for it, or try again."""
        self.children.remove(child)
        child.bury()
        job = child.job
        if job is None:
            return
        lasting = job.losses >= self.retries and self._reached(job) <= job.reached
        if state == "infra" and not lasting:
            self._lose(job, jobs, error)
            return
        try:
            claim = self.store.claims.take(job.id)
        except OSError as problem:
            raise self._unwritable(problem.strerror) from problem
        if claim is None:
            jobs.defer(job)
            return
        attempt = int(child.attempt.name) if child.attempt else 0
        record = {"id": job.id, **job.spec, "state": state, "attempt": attempt, "error": error}
        try:
            if self.store.read(job.id) is not None or not self.store.commit(record):
                jobs.skip(self.store.state(job.id))
            else:
                if state in DONE:
                    checkpoints.remove(checkpoints.path_of(self.store.root, job.id))
                self._finish(job, state, None, 0.0, error)
        except OSError as problem:
            raise self._unwritable(problem.strerror) from problem
        finally:
            claim.release()

    def _lose(self, job: Job, jobs: Jobs, error: dict[str, str]) -> None:
        job.losses = 0 if self._reached(job) > job.reached else job.losses + 1
        job.over = None
        self.tell(Retry(job.id, job.label, job.losses, error))
        jobs.retry(job)

    def _reached(self, job: Job) -> int:
        return checkpoints.reached(checkpoints.path_of(self.store.root, job.id))

    def _finish(
        self,
        job: Job,
        state: str,
        val_accuracy: float | None,
        seconds: float,
        error: dict[str, str] | None,
    ) -> None:
        self.counts[state] += 1
        self.bounds.took(seconds)
        if error is not None:
            first = (error["message"].strip().splitlines() or [""])[0]
            self.failures.append(Failure(job.id, job.label, state, error["type"], first))
        self.tell(Finished(job.id, job.label, state, val_accuracy, seconds, error))

    def _unwritable(self, reason: str | None) -> BadInput:
        return BadInput(f"cannot write to the store {self.store.root}: {reason}; {GO_ON}")

    def _no_room(self, lack: str) -> str:
        return f"the store {self.store.root} is out of room: {lack}; {GO_ON}"

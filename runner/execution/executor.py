"""execute: many runs, each in a process of its own, supervised until all have their record."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any

from runner.execution import oom, template
from runner.execution.child import Child
from runner.execution.events import (
    Epoch,
    Event,
    Failure,
    Finished,
    Retry,
    Skipped,
    Started,
    Stopping,
    Summary,
    Waiting,
)  # fmt: skip
from runner.execution.failure import of_exit, of_silence
from runner.execution.interrupt import Interrupt
from runner.execution.jobs import Job, Jobs
from runner.execution.limits import Bounds, Limits
from runner.execution.worker import Train, work
from runner.records.spec import RunSpec
from runner.records.store import Store
from tricks.errors import BadInput

GO_ON = "what is recorded is safe: make room there, then run the same command again"
TICK = 0.2  # seconds between looks at signals and claims


def execute(
    specs: Iterable[RunSpec],
    store: Store,
    train: Train,
    *,
    workers: int,
    preload: Sequence[str] = (),
    plugins: Sequence[str] = (),
    runs_per_process: int = 1,
    gpus: Sequence[str] = (),
    retries: int = 2,
    limits: Limits = Limits(),  # noqa: B008, it is frozen
    on_event: Callable[[Event], None] = lambda event: None,
) -> Summary:
    """Train every spec that has no record, `workers` at a time; return when all have one.

    `specs` may be lazy and huge. `train(spec, emit) -> outcome` must be picklable; `preload` names
    the modules it needs, imported once. Each process sees one of `gpus` alone, by its name for
    CUDA_VISIBLE_DEVICES; they get the same number of processes. A run lost to its surroundings
    (killed, out of memory, silent for too long) is tried `retries` more times, then recorded as
    infra; an execution after this one tries it anew. An exception in training is recorded as
    failed.
    SIGINT or SIGTERM once: running runs are finished, then it returns; twice: it returns now.
    The time limit is the same as SIGINT once, and runs that would not be done by then are not
    begun. Raises BadInput if the store cannot be written to, if its disk has less room than
    `limits` keep, or if a training raised it: then no more are begun, those that run are finished,
    and the run at fault stays open. What is recorded is safe.
    """
    if workers < 1:
        raise BadInput(f"workers must be at least 1, not {workers}")
    bounds = Bounds(limits, store.root)
    supervisor = _Supervisor(
        store,
        train,
        workers,
        tuple(plugins),
        runs_per_process,
        tuple(gpus),
        retries,
        bounds,
        on_event,
    )
    template.warm_up(preload)
    store.sweep()
    with Interrupt() as interrupt:
        try:
            return supervisor.supervise(Jobs(specs, store), interrupt)
        finally:
            supervisor.kill_all()
            store.claims.sweep()


@dataclass
class _Supervisor:
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
                    self.tell(Stopping(self._busy(), now=told > 1, why=why))
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
        done = {state: self.counts[state] for state in ("ok", "diverged", "failed", "infra")}
        return Summary(
            **done,
            skipped=self.counts["skipped"],
            interrupted=bool(self._busy() or not jobs.over),
            failures=tuple(self.failures),
            failed_before=jobs.failed_before,
            asked_to_stop=interrupt.requests > 0,
            out_of_time=not interrupt.requests and not self.bounds.fits and not jobs.over,
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
            message = job.message(self.retries)
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
                ended = of_exit(child.process.exitcode, child.log(), child.starved())
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
        well = kind == "finished" and rest[0] in ("ok", "diverged")
        self._release(child, keep=well or child.attempt is None)
        if kind == "finished":
            self._finish(job, *rest)
        elif kind == "infra":
            self._lose(job, jobs, rest[0])
        elif kind == "elsewhere":
            jobs.defer(job)
        elif kind == "recorded":
            jobs.skip(rest[0])
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
        if state == "infra" and job.losses < self.retries:
            self._lose(job, jobs, error)
            return
        claim = self.store.claims.take(job.id)
        if claim is None:
            jobs.defer(job)
            return
        attempt = int(child.attempt.name) if child.attempt else 0
        record = {"id": job.id, **job.spec, "state": state, "attempt": attempt, "error": error}
        try:
            if self.store.read(job.id) is not None or not self.store.commit(record):
                jobs.skip(self.store.state(job.id))
            else:
                self._finish(job, state, None, 0.0, error)
        except OSError as problem:
            raise self._unwritable(problem.strerror) from problem
        finally:
            claim.release()

    def _lose(self, job: Job, jobs: Jobs, error: dict[str, str]) -> None:
        job.losses += 1
        job.over = None
        self.tell(Retry(job.id, job.label, job.losses, error))
        jobs.retry(job)

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

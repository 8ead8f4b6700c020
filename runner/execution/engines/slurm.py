"""The engine `slurm`: one array of workers, which claim runs from the store on a shared folder.

Workers send no messages: the engine reports changes in the store. Jobs continue when it exits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from runner.execution.clusters import queue
from runner.execution.clusters.job_outcomes import outcome_of_jobs
from runner.execution.clusters.submission import Submission, workers
from runner.execution.clusters.submitting import lacking, submit
from runner.execution.clusters.watched_runs import WatchedRuns
from runner.execution.engines import registry
from runner.execution.messages import Alive, Assignment, Ended, Message, Mistake, Said
from runner.execution.order import Order
from runner.records.run import Run
from runner.records.store import Store
from tricks.errors import BadInput

MOST_RUNS = 200_000  # runs in one submission
LOOK = 2.0  # seconds between looks at the store, at least
LOOK_RATIO = 20  # a look that takes one second is repeated after 20 seconds
ASK = 15.0  # seconds between questions to the queue
HASTE = 3.0  # seconds for an answer where the user only asks which engines there are


class Slurm:
    """The jobs of one execution."""

    def __init__(self, store: Store, order: Order) -> None:
        lacks = lacking()
        if lacks:
            raise BadInput(f"--engine slurm: {lacks}")
        self.store, self.order = store, order
        self.seen = WatchedRuns(store)
        self.given: list[Run] = []  # not yet in jobs
        self.active: tuple[Submission, ...] = ()
        self.reported: set[str] = set()  # lines
        self.broken: set[str] = set()  # nodes that jobs have left
        self.over = 0  # how often the queue has said that all jobs ended
        self._look = self._ask = 0.0  # when to look, and when to ask, next

    def room(self) -> bool:
        """Whether the next array, which is submitted for all its runs, has room for more runs."""
        return not self.active and len(self.given) < MOST_RUNS

    def begin(self, assignment: Assignment) -> None:
        """Take a run, for the next array."""
        self.given.append(assignment.run)
        self.seen.watch(assignment.run.id)

    def listen(self, seconds: float) -> Iterator[tuple[str, Message]]:
        """News of the runs from the store, and of the jobs from the queue."""
        if not seconds:  # more runs will come at once
            return
        if self.given:
            yield from self._submit()
        elif not self.active:
            time.sleep(seconds)
            return
        time.sleep(seconds)
        now = time.monotonic()
        if now >= self._look:
            yield from self.seen.look()
            yield from ((id, Alive()) for id in tuple(self.seen))
            took = time.monotonic() - now
            self._look = now + max(LOOK, LOOK_RATIO * took)
        if not self.seen:
            self.active = ()
        elif now >= self._ask:
            self._ask = now + ASK
            yield from self._queue()

    def pause(self) -> None:
        """Does nothing: a process that waits for jobs does not stop them."""

    def end(self, id: str) -> str:
        """Does nothing: a job ends its silent runs itself."""
        self.seen.forget(id)
        return ""

    def close(self) -> None:
        """Jobs continue. If all runs are done, waiting jobs are cancelled."""
        if self.active and not self.seen:
            try:
                queue.cancel([one.job for one in self.active], pending=True)
            except BadInput:
                return  # the jobs will find no run left, and end

    def _submit(self) -> Iterator[tuple[str, Message]]:
        runs, self.given = self.given, []
        done = submit(self.store, self.order, runs, self.broken)
        self.active, self.over = done.active, 0
        self._ask = time.monotonic() + LOOK
        for line in done.lines:
            yield from self._say(line)

    def _queue(self) -> Iterator[tuple[str, Message]]:
        """News of the jobs; an end for all runs once no job is left."""
        tasks = queue.tasks(one.job for one in self.active)
        if tasks is None:
            return
        for one in self.active:
            for worker in workers(one.folder(self.store.root)).values():
                for line in worker.notes:
                    yield from self._say(line)
        alive = [task for task in tasks if not task.ended]
        nodes = sorted({task.node for task in alive if task.node})
        jobs = ", ".join(one.job for one in self.active)
        if nodes:
            self.reported.add(f"{jobs} waits")
            yield from self._say(f"job {jobs} runs on {', '.join(nodes[:8])}", f"{jobs} runs")
        elif alive:
            why = ", ".join(sorted({task.reason for task in alive}))
            yield from self._say(f"job {jobs} waits in the queue ({why})", f"{jobs} waits")
        self.over = 0 if alive else self.over + 1
        if self.over == 1:
            self._ask = time.monotonic() + LOOK  # records may still be on their way here
            self._look = 0.0
        elif self.over > 1:
            yield from self._ended(tasks)

    def _ended(self, tasks: list[queue.Task]) -> Iterator[tuple[str, Message]]:
        left = tuple(self.seen)
        found = outcome_of_jobs(self.store, self.active, tasks, len(left))
        self.active = ()
        self.broken |= found.broken
        for id in left:
            self.seen.forget(id)
            if found.lasting:
                yield id, Mistake(found.line)
            else:
                yield id, Ended("infra", found.error)

    def _say(self, line: str, key: str = "") -> Iterator[tuple[str, Message]]:
        """Report a line once, for any run, since it concerns all."""
        if (key or line) in self.reported:
            return
        self.reported.add(key or line)
        first = next(iter(self.seen), None)
        if first is not None:
            yield first, Said(line)


registry.register("slurm", Slurm, partial(lacking, HASTE))

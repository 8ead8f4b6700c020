"""A job of a submission, from inside: an ordinary local execution over its runs.

Claims, retries, stalls and checkpoints work as in every execution. In addition, a job ends before
its time limit, stops at a checkpoint when it is warned, is requeued if runs are left, and writes
its outcome to the store.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace as changed

from runner.execution.clusters import queue
from runner.execution.clusters.jobs import Jobs, versions
from runner.execution.clusters.open_runs import turned, unrecorded
from runner.execution.clusters.sbatch import WARN_AFTER, WARNING, seconds_left
from runner.execution.clusters.submission import (
    FOLDER,
    RUNS,
    Fate,
    Worker,
    note,
    read_lines,
    workers,
)
from runner.execution.events import Event, Finished, PausedRun, Retry, Started
from runner.execution.executor import execute
from runner.execution.interrupt import Interrupt
from runner.execution.losses import leaves
from runner.execution.machine import at_a_time
from runner.execution.order import Order
from runner.execution.work import Movable
from runner.records.store import Store
from runner.text import counted
from tricks.errors import BadInput

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

    from runner.execution.events import Summary

WARNED = signal.SIGUSR2  # what submitit asks SLURM to send before a job's end
ENDS = "SLURM_JOB_END_TIME"  # seconds since the epoch
LEAVING_SHARE = 0.75  # at most this share of a short time limit is kept for leaving


@dataclass(frozen=True)
class Job:
    """The callable that submitit calls in each job of an array.

    root: of the store. name: of the submission. versions: of the submitter. until: seconds since
    the epoch after which no job continues; None: no limit.
    """

    root: str
    name: str
    order: Order
    versions: Mapping[str, str]
    until: float | None = None

    def __call__(self, number: int) -> str:
        """Do runs until none is left or the time is nearly over. Returns how it ended."""
        return Worked(self, number).work()

    def checkpoint(self, number: int) -> DelayedSubmission:
        """The callable for submitit when the job leaves the queue again: the same one."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, number)

    @property
    def jobs(self) -> Jobs:
        """The requested jobs."""
        assert self.order.jobs is not None
        return self.order.jobs


class Worked:
    """One running job of an array."""

    def __init__(self, job: Job, number: int) -> None:
        self.job, self.number, self.begun = job, number, 0
        self.folder = Path(job.root) / FOLDER / job.name
        before = workers(self.folder).get(number)
        self.report = Worker(
            number=number,
            job=os.environ.get("SLURM_ARRAY_JOB_ID") or os.environ.get("SLURM_JOB_ID", ""),
            host=node(),
            began=time.time(),
            runs=before.runs if before else 0,
            times=before.times + 1 if before else 1,
        )

    def work(self) -> str:
        """Do runs until none is left or the time is nearly over. Returns how it ended."""
        note(self.folder, self.report)
        requeue = signal.getsignal(WARNED)  # submitit's handler: checkpoint(), requeue, exit
        stops = (signal.SIGINT, signal.SIGTERM, WARNED)
        with Interrupt(stops, most=1) as interrupt:  # srun and SLURM both send a signal on
            try:
                summary = self._execute(interrupt)
                fate = self._fate(summary, interrupt)
            except BadInput as error:
                print(f"tricks-bench: {error}", file=sys.stderr, flush=True)
                self._end("mistake", str(error))
                return "mistake"
        if fate == "broken":
            self._say(leaves(node(), summary.broken))
            self._end(fate, self.report.notes[-1])
            return fate
        if fate == "left" and callable(requeue):
            self._end("requeued")
            try:
                cast("Callable[[int, FrameType | None], None]", requeue)(WARNED, None)
            except Exception as error:  # from submitit or scontrol
                self._end(fate, f"it could not be put back into the queue: {error}")
                return fate
        self._end(fate)
        print(f"this job ends: {fate}", flush=True)
        return fate

    def _execute(self, interrupt: Interrupt) -> Summary:
        store = Store(self.job.root, create=False)
        self._check_versions()
        order, jobs = self.job.order, self.job.jobs
        movable = cast(Movable, order.work)
        count = at_a_time(jobs.workers, jobs.per_gpu, movable.device)
        work = movable.here(count, self._say)
        lines = read_lines(self.folder)
        since = (self.folder / RUNS).stat().st_mtime_ns
        share = unrecorded(turned(lines, self.number, jobs.count), store, since)
        wall = self._seconds()
        limits = replace(
            order.limits,
            wall=wall,
            began=time.monotonic(),
            # One job stays for runs whose worker dies; the others make room for other jobs. If each
            # of 1,000 jobs checked the claims of the others, the start alone would take minutes.
            keeper=self.number == 0,
            leaves=True,
        )
        order = replace(
            order, work=work, workers=count, gpus=work.gpus, engine="local", jobs=None,
            runs_per_process=order.runs_per_process if work.gpus else 1, limits=limits,
        )  # fmt: skip
        time_left = "" if wall == float("inf") else f", for {wall / 60:.0f} minutes at most"
        at = f" on GPU {', '.join(work.gpus)}" if work.gpus else ""
        print(f"{counted(count, 'run')} at a time{at}{time_left}", flush=True)
        return execute(share, store, order, self._event, interrupt)

    def _seconds(self) -> float:
        """Seconds that this job may train: until its time limit, or until --max-hours."""
        found = float("inf")
        if os.environ.get(ENDS, "").isdecimal():
            found = int(os.environ[ENDS]) - time.time()
        elif "SLURM_JOB_ID" in os.environ:
            left = seconds_left(queue.time_left(os.environ["SLURM_JOB_ID"]))
            found = float("inf") if left is None else left
        if found < float("inf"):
            warning = float(self.job.jobs.parameters.get(WARNING, WARN_AFTER))
            found -= min(warning, LEAVING_SHARE * found)
        until = self.job.until
        return found if until is None else min(found, until - time.time())

    def _check_versions(self) -> None:
        """Report versions that differ from the submitter's."""
        mine = versions()
        others = [
            f"{name} {mine[name]} there, {version} on the machine that submitted"
            for name, version in self.job.versions.items()
            if mine[name] != version
        ]
        if not others:
            return
        line = f"{node()} has other versions: {', '.join(others)}"
        if self.job.jobs.strict:
            raise BadInput(f"{line}; --strict refuses such a node")
        self._say(line)

    def _fate(self, summary: Summary, interrupt: Interrupt) -> Fate:
        if not summary.interrupted:
            return "done"
        if summary.broken:
            return "broken"
        if signal.SIGTERM in interrupt.signals and WARNED not in interrupt.signals:
            return "cancelled"
        if self.job.until is not None and time.time() >= self.job.until:
            return "over"
        if not (summary.out_of_time or interrupt.requests) or not self.begun:
            return "others"
        recorded = summary.ok + summary.diverged + summary.failed + summary.infra
        return "left" if recorded or summary.paused else "stuck"

    def _event(self, event: Event) -> None:
        match event:
            case Started(_, label):
                self.begun += 1
                print(f"begins: {label}", flush=True)
            case Finished(_, label, state):
                self._tell(changed(self.report, runs=self.report.runs + 1))
                print(f"{state}: {label}", flush=True)
            case Retry(_, label, _, error):
                print(f"again: {label}: {error.reason()}", flush=True)
            case PausedRun(_, label, epoch):
                print(f"left after epoch {epoch}: {label}", flush=True)

    def _say(self, line: str) -> None:
        print(line, flush=True)
        self._tell(changed(self.report, notes=(*self.report.notes, line)))

    def _end(self, fate: Fate, message: str = "") -> None:
        self._tell(changed(self.report, fate=fate, message=message, ended=time.time()))

    def _tell(self, report: Worker) -> None:
        self.report = report
        note(self.folder, report)


def node() -> str:
    """The cluster's name of this node."""
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()

"""Submit runs to SLURM as one array of identical workers, with submitit; find existing jobs."""

from __future__ import annotations

import contextlib
import io
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec.structs import replace as changed

from runner.execution.clusters import queue
from runner.execution.clusters.jobs import Jobs, versions
from runner.execution.clusters.on_node import Job
from runner.execution.clusters.sbatch import HOURS, TIME, WARN_AFTER, WARNING, minutes
from runner.execution.clusters.submission import (
    Submission,
    keep,
    keep_runs,
    new_name,
    read_ids,
    submissions,
)
from runner.execution.worker import kept_fresh
from runner.text import counted
from tricks.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from runner.execution.order import Order
    from runner.records.run import Run
    from runner.records.store import Store

FOR_EVER = 1_000_000  # requeues of a job; a job without progress ends by itself
SUBMITTING = "0" * 16  # an id that a process claims, like a run, while it submits jobs
POLL = 0.5  # seconds between checks whether another process still submits
EXCLUDE = "exclude"  # sbatch's parameter of nodes
NO_SUBMITIT = "submitit is not installed: pip install 'tricks-bench[slurm]'"


@dataclass(frozen=True)
class Submitted:
    """The jobs of some runs. active: existing or newly submitted jobs. lines: for the user."""

    active: tuple[Submission, ...]
    new: Submission | None
    lines: tuple[str, ...]


def lacking(patience: float = queue.PATIENCE) -> str:
    """Why nothing can be submitted from here; "" if it can. patience: seconds for an answer."""
    import importlib.util

    if importlib.util.find_spec("submitit") is None:
        return NO_SUBMITIT
    return queue.lacking(patience)


def active(found: Iterable[Submission]) -> list[Submission]:
    """Submissions with waiting or running jobs; if the queue is silent, all not cancelled."""
    some = [one for one in found if one.job]
    tasks = queue.tasks(one.job for one in some) if some else []
    if tasks is None:
        return [one for one in some if one.cancelled is None]
    alive = {task.job for task in tasks if not task.ended}
    return [one for one in some if one.job in alive]


def submit(
    store: Store, order: Order, runs: Sequence[Run], broken: Iterable[str] = ()
) -> Submitted:
    """Submit jobs for those of `runs` that no job of any study has yet.

    Waits while another process submits from this store. broken: nodes that get none of the jobs.
    Raises BadInput if SLURM refuses, or if the store cannot be written to.
    """
    try:
        with _alone(store):
            return _submit(store, order, runs, broken)
    except OSError as error:
        raise BadInput(f"cannot write to {store.root}: {error.strerror or error}") from error


@contextlib.contextmanager
def _alone(store: Store) -> Iterator[None]:
    """A context in which no other process, on any machine, submits from this store."""
    claim = store.claims.take(SUBMITTING)
    while claim is None:
        time.sleep(POLL)
        claim = store.claims.take(SUBMITTING, store.claims.stale(SUBMITTING) or None)
    try:
        with kept_fresh(claim):
            yield
    finally:
        claim.release()


def _submit(store: Store, order: Order, runs: Sequence[Run], broken: Iterable[str]) -> Submitted:
    assert order.jobs is not None
    wanted = {run.id: run for run in runs}
    there, lines = [], list[str]()
    for one in active(submissions(store)):
        covered = wanted.keys() & read_ids(one.folder(store.root))
        if covered:
            there.append(one)
            lines.append(
                f"job {one.job} ({counted(one.jobs, 'worker')}) already has "
                f"{len(covered):,} of these runs: they are not submitted again"
            )
            wanted = {id: run for id, run in wanted.items() if id not in covered}
    if not wanted:
        return Submitted(tuple(there), None, tuple(lines))
    jobs, capped = _capped(_without(order.jobs, broken), len(wanted))
    new = _new(store, replace(order, jobs=jobs), list(wanted.values()))
    lines += capped
    lines.append(
        f"submitted job {new.job}: {counted(new.jobs, 'worker')} for {counted(new.runs, 'run')}"
    )
    return Submitted((*there, new), new, tuple(lines))


def _without(jobs: Jobs, nodes: Iterable[str]) -> Jobs:
    """`jobs` that exclude these nodes."""
    left_out = [*filter(None, [jobs.parameters.get(EXCLUDE)]), *sorted(nodes)]
    more = {EXCLUDE: ",".join(left_out)} if left_out else {}
    return replace(jobs, parameters={**jobs.parameters, **more})


def _capped(jobs: Jobs, runs: int) -> tuple[Jobs, list[str]]:
    """At most as many jobs as there are runs and as an array may have; lines that say so."""
    most = queue.most_in_an_array()
    count, lines = jobs.count, list[str]()
    if most is not None and count > most:
        count = most
        lines.append(f"--jobs {jobs.count}: an array may have {most:,} jobs here (MaxArraySize)")
    if count > runs:
        count = runs
        lines.append(f"--jobs {jobs.count}: there are only {counted(runs, 'run')} to do")
    return replace(jobs, count=count), lines


def _new(store: Store, order: Order, runs: Sequence[Run]) -> Submission:
    assert order.jobs is not None
    jobs = order.jobs
    new = Submission(
        name=new_name(), engine="slurm", study=jobs.study, jobs=jobs.count, runs=len(runs),
        parameters=dict(jobs.parameters), submitted=time.time(), host=socket.gethostname(),
    )  # fmt: skip
    folder = new.folder(store.root)
    try:
        folder.mkdir(parents=True)
        keep_runs(folder, runs)
        keep(store.root, new)
    except OSError as error:
        raise BadInput(f"cannot write to {folder}: {error.strerror or error}") from error
    left = order.limits.began + order.limits.wall - time.monotonic()
    until = None if left == float("inf") else time.time() + left
    root = str(store.root.absolute())
    job = Job(root, new.name, order, versions(), until)
    new = changed(new, job=_sbatch(folder, job, jobs))
    with contextlib.suppress(OSError):  # the jobs exist, and report their id themselves
        keep(store.root, new)
    return new


def _sbatch(folder: Path, job: Job, jobs: Jobs) -> str:
    """Submit an array of `job`. Returns its id. Raises BadInput with sbatch's error."""
    try:
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError, FailedSubmissionError
    except ImportError as error:
        raise BadInput(NO_SUBMITIT) from error
    lacks = queue.lacking()
    if lacks:
        raise BadInput(f"--engine slurm: {lacks}")
    executor = SlurmExecutor(folder.absolute(), max_num_timeout=FOR_EVER)
    executor.update_parameters(**_parameters(jobs))
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # the error below has the same text
            found = executor.map_array(job, range(jobs.count))
    except (FailedJobError, FailedSubmissionError) as error:
        raise BadInput(f"--engine slurm: sbatch: {queue.one_line(str(error))}") from error
    for link in folder.glob(".submission_file_*"):  # a store holds no links
        link.unlink(missing_ok=True)
    return str(found[0].job_id.partition("_")[0])


def _parameters(jobs: Jobs) -> dict[str, str | int | bool | list[str] | Mapping[str, str | bool]]:
    """The parameters for submitit; it passes unknown ones on to sbatch."""
    given = dict(jobs.parameters)
    time_limit = minutes(given.pop(TIME, "")) or 60 * HOURS
    warning = int(given.pop(WARNING, WARN_AFTER))
    more: dict[str, str | bool] = {**given, "requeue": True}
    if more.get("exclusive") in ("yes", "true"):
        more["exclusive"] = True
    # Since SLURM 22.05 srun does not inherit this option from sbatch.
    cpus = given.get("cpus-per-task")
    return {
        "job_name": str(more.pop("job-name", f"tricks-bench-{jobs.study}")),
        "time": time_limit,
        "signal_delay_s": warning,
        "array_parallelism": jobs.count,
        "stderr_to_stdout": True,
        "srun_args": [f"--cpus-per-task={cpus}"] if cpus else [],
        "additional_parameters": more,
    }

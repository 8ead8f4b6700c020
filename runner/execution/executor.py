"""execute: many runs, each in a process of its own, supervised until all have their record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from runner.execution.engines import template
from runner.execution.events import Event, Summary
from runner.execution.interrupt import Interrupt
from runner.execution.jobs import Jobs
from runner.execution.limits import Bounds, Limits
from runner.execution.supervisor import Supervisor
from runner.execution.worker import DONE, Train
from runner.records import attempts
from runner.records.spec import RunSpec
from runner.records.store import Store
from tricks.errors import BadInput


def execute(
    specs: Iterable[RunSpec],
    store: Store,
    train: Train,
    *,
    workers: int,
    preload: Sequence[str | template.Call] = (),
    plugins: Sequence[str] = (),
    runs_per_process: int = 1,
    gpus: Sequence[str] = (),
    retries: int = 2,
    limits: Limits | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Summary:
    """Train every spec that has no record, `workers` at a time; return when all have one.

    `specs` may be lazy and huge. `train(spec, emit) -> outcome` must be picklable; `preload` names
    the modules it needs, imported once, and calls made once (see template.warm_up). Each process
    sees one of `gpus` alone, by its name for CUDA_VISIBLE_DEVICES; they get the same number of
    processes. A run lost to its surroundings (killed, out of memory, silent for too long) is tried
    `retries` more times, then recorded as infra; an execution after this one tries it anew. One
    that got further by its checkpoint has lost nothing that counts. An exception in training is
    recorded as failed.
    Where `limits` have a `checkpoint`, `train` also takes `pausing` (see Pausing) and writes one
    that often; a run that was interrupted goes on from it, in this execution or another.
    SIGINT or SIGTERM once: running runs are finished, or with checkpoints leave at one if they
    would take long, then it returns; twice: it returns now.
    The time limit is the same as SIGINT once, and runs that would not be done by then are not
    begun. Raises BadInput if the store cannot be written to, if its disk has less room than
    `limits` keep, or if a training raised it: then no more are begun, those that run are finished,
    and the run at fault stays open. What is recorded is safe.
    """
    if workers < 1:
        raise BadInput(f"workers must be at least 1, not {workers}")
    bounds = Bounds(limits or Limits(), store.root)
    supervisor = Supervisor(
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
    attempts.sweep(store, DONE)
    with Interrupt() as interrupt:
        try:
            return supervisor.supervise(Jobs(specs, store), interrupt)
        finally:
            supervisor.kill_all()
            store.claims.sweep()

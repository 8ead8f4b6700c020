"""execute: many runs, supervised until all have their record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext

from runner.execution.engines import registry
from runner.execution.events import Event, Summary
from runner.execution.interrupt import Interrupt
from runner.execution.jobs import Jobs
from runner.execution.limits import Bounds
from runner.execution.order import Order
from runner.execution.supervisor import Supervisor
from runner.records import attempts
from runner.records.record import DONE
from runner.records.run import Run
from runner.records.store import Store
from tricks.errors import BadInput


def execute(
    runs: Iterable[Run],
    store: Store,
    order: Order,
    on_event: Callable[[Event], None] = lambda event: None,
    interrupt: Interrupt | None = None,
) -> Summary:
    """Carry out every run that has no record, as `order` says; return when all have one.

    `runs` may be lazy and huge. A run lost to its surroundings is tried again; when that is of no
    use it is recorded as infra, and an execution after this one tries it anew. One that got
    further by its checkpoint has lost nothing that counts. An exception in training is recorded as
    failed. With a `checkpoint` in the limits the work writes one that often; a run that was
    interrupted goes on from it, in this execution or another.
    SIGINT, SIGTERM or SIGHUP once: running runs are finished, or with checkpoints leave at one if
    they would take long, then it returns; twice: it returns now.
    The time limit is the same as SIGINT once, and runs that would not be done by then are not
    begun. interrupt: counts requests to stop in the place of these signals, entered by the caller.
    Where the workers are jobs of a cluster, a stop ends the waiting alone: jobs go on. Raises
    BadInput if the store cannot be written to, if its disk has less room than the limits keep, or
    if a training raised it: then no more are begun, those that run are finished, and the run at
    fault stays open. What is recorded is safe.
    """
    if order.workers < 1:
        raise BadInput(f"workers must be at least 1, not {order.workers}")
    engine = registry.find(order.engine)(store, order)
    bounds = Bounds(order.limits, store.root)
    lasting = order.jobs is not None
    supervisor = Supervisor(store, engine, order.retries, bounds, on_event, lasting)
    if order.limits.keeper:
        store.sweep()
        attempts.sweep(store, DONE)
    with Interrupt() if interrupt is None else nullcontext(interrupt) as stops:
        try:
            return supervisor.supervise(Jobs(runs, store), stops)
        finally:
            engine.close()
            if order.limits.keeper:
                store.claims.sweep()

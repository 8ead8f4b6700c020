"""execute: carry out many runs, supervised until each has its record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext

from runner.execution.engines import registry
from runner.execution.events import Event, Summary
from runner.execution.interrupt import Interrupt
from runner.execution.limits import Bounds
from runner.execution.order import Order
from runner.execution.run_queue import RunQueue
from runner.execution.supervisor import Supervisor
from runner.records import crash_logs
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

    `runs` may be lazy and huge. A run that a system failure has ended is retried. After several
    such attempts it is recorded as infra, and a later execution tries it again. An attempt that has
    written a later checkpoint does not count as lost. An exception in training is recorded as
    failed. With a `checkpoint` in the limits, the work writes checkpoints that often. An
    interrupted run continues from its checkpoint, in this execution or a later one.

    SIGINT, SIGTERM or SIGHUP once: running runs finish, or stop at a checkpoint if they would take
    long; then it returns. Twice: it returns now. The time limit acts like one SIGINT, and runs that
    would not finish in time are not started. interrupt: counts requests to stop instead of these
    signals; the caller enters it. If workers are jobs of a cluster, a stop only ends the waiting,
    and the jobs continue. Raises BadInput if the store cannot be written to, if its disk has less
    room than the limits keep, or if a training raised it. Then no more runs are started, running
    runs finish, and the run at fault gets no record. Recorded runs are safe.
    """
    if order.workers < 1:
        raise BadInput(f"workers must be at least 1, not {order.workers}")
    engine = registry.find(order.engine)(store, order)
    bounds = Bounds(order.limits, store.root)
    lasting = order.jobs is not None
    supervisor = Supervisor(store, engine, order.retries, bounds, on_event, lasting)
    if order.limits.keeper:
        store.sweep()
        crash_logs.sweep(store, DONE)
    with Interrupt() if interrupt is None else nullcontext(interrupt) as stops:
        try:
            return supervisor.supervise(RunQueue(runs, store), stops)
        finally:
            engine.close()
            if order.limits.keeper:
                store.claims.sweep()

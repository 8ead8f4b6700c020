"""The code of a process of the engine `local`: it gets runs through a pipe, one by one."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection

from runner.execution.interrupt import TO_THE_RUNNER
from runner.execution.messages import Assignment, Mistake, News
from runner.execution.orphans import leave_with_parent
from runner.execution.work import Work
from runner.execution.worker import perform
from runner.records.store import Store
from runner.streams import take_any_text
from tricks.errors import BadInput

PAUSE = "pause"  # what the runner says to a process whose run shall leave


def serve(
    pipe: Connection, root: str, work: Work, assignment: Assignment | None, gpu: str | None
) -> None:
    """Do `assignment`, then every assignment that comes through `pipe`, until None comes.

    gpu: the only GPU that this process may see, as a name for CUDA_VISIBLE_DEVICES.
    """
    see(gpu)
    ignore_stops()
    leave_with_parent()
    take_any_text()

    def tell(news: News) -> None:
        try:
            pipe.send(news)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(1)  # the runner is gone

    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            store = Store(root, create=False)
        except BadInput as error:  # something has happened to it since the runner opened it
            pipe.send(Mistake(str(error)))
            assignment = None
        while assignment is not None:
            pipe.send(perform(store, work, assignment, tell, _asks(pipe)))
            while (assignment := pipe.recv()) == PAUSE:
                pass  # it came as the run ended
    leave()


def see(gpu: str | None) -> None:
    """Let this process see only one GPU. Call it before any code has asked for GPUs."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu


def ignore_stops() -> None:
    """Ignore stop signals, which reach the whole process group or job: only the parent decides."""
    for number in TO_THE_RUNNER:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TO_THE_RUNNER)


def leave() -> None:
    """End this process at once: nothing is left to clean up, and torch's clean-up is slow."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _asks(pipe: Connection) -> Callable[[], bool]:
    """A function that returns whether the other side of `pipe` has sent PAUSE."""
    told = False

    def asked() -> bool:
        nonlocal told
        if not told and pipe.poll():
            try:
                told = pipe.recv() == PAUSE
            except EOFError:
                os._exit(1)  # the runner is gone
        return told

    return asked

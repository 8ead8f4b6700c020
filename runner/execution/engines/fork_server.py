"""Start processes by forking a template that has imported everything for a training."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Concatenate, ParamSpec

from runner.execution.interrupt import TO_THE_RUNNER
from runner.execution.machine import THREADS
from runner.execution.work import Preload
from runner.records.json_values import JsonValue
from tricks.errors import BadInput

P = ParamSpec("P")
TRIES = 5
_WORKER, _ONCE = "runner.execution.engines.process", "runner.execution.engines.warm_template"
CALLS = "TRICKS_BENCH_ONCE"  # variable with the calls that the template makes, as JSON
SAFE_PATH = "PYTHONSAFEPATH"  # any text: files of the current folder hide no module
OURS = "tricks-bench"  # our value: the template removes the variable only if it has this value
UNGUARDED = 68  # exit code of a process that would start others as it imports its program
NO_GUARD = (
    "the program defines itself what its processes do, so each of them imports it, and would start "
    'others: put what starts it under `if __name__ == "__main__":`'
)
_one_at_a_time = threading.Lock()  # the environment and `__main__` are changed for a moment
# That the template makes: see engines.warm_template.
_calls: list[tuple[str, Sequence[JsonValue]]] = []


def warm_up(preload: Sequence[Preload]) -> None:
    """Start the template in the background, unless it is running.

    preload: names of modules that it imports, and calls that it makes afterwards; its processes
    share the results. A running template is not changed.
    """
    _check_guard()
    _calls[:] = [item for item in preload if not isinstance(item, str)]
    modules = [item for item in preload if isinstance(item, str)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_WORKER, *modules, _ONCE])
    with _one_at_a_time, _surroundings():
        with _stops_blocked():
            resource_tracker.ensure_running()  # first: it unblocks signals on its way
        with _stops_blocked():
            forkserver.ensure_running()


def start(
    target: Callable[Concatenate[Connection, P], None], *arguments: P.args, **named: P.kwargs
) -> tuple[ForkServerProcess, Connection]:
    """A process that runs `target(pipe, *arguments, **named)`, and this side of its pipe.

    A killed template is started again. Raises BadInput if this does not help.
    """
    _check_guard()
    context = multiprocessing.get_context("forkserver")
    # A function, or what a partial calls, from the very program that started them needs it.
    of = {getattr(getattr(argument, "func", argument), "__module__", "") for argument in arguments}
    main = contextlib.nullcontext if "__main__" in of else _without_main
    for left in reversed(range(TRIES)):
        ours, theirs = context.Pipe()
        process = context.Process(
            target=target, args=(theirs, *arguments), kwargs=named, daemon=False
        )
        try:
            with _one_at_a_time, _surroundings(), _stops_blocked(), main():
                process.start()
        except (ConnectionError, EOFError) as error:
            ours.close()
            if not left:
                raise BadInput(
                    "no training process can be started: the one that they are forked from ends "
                    "as it begins; what it printed tells why"
                ) from error
            time.sleep(0.1)
        else:
            return process, ours
        finally:
            theirs.close()
    raise AssertionError("unreachable")


def _check_guard() -> None:
    """End a process that would start other processes while it imports its program."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(UNGUARDED)


@contextlib.contextmanager
def _surroundings() -> Iterator[None]:
    """A context with the template's environment: one thread, and its calls."""
    given = {**dict.fromkeys(THREADS, "1"), CALLS: json.dumps(_calls)}
    given[SAFE_PATH] = os.environ.get(SAFE_PATH) or OURS
    held = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in held.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _stops_blocked() -> Iterator[None]:
    """A context with blocked stop signals, since a signal mask survives exec.

    So neither Ctrl-C nor the warning of a cluster, which reaches all processes of a job, ends the
    template or a child that is being started.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TO_THE_RUNNER)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    """A context in which children do not import the program that starts them."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main

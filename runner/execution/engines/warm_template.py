"""Imported only by the template: makes the data that its processes share, before they fork.

If a call fails, the processes repeat it and report the error.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType

from runner.execution.engines.fork_server import CALLS, OURS, SAFE_PATH
from runner.records.json_values import JsonValue

LOOK = 1.0  # seconds between looks at the parent


def call(name: str, arguments: Sequence[JsonValue]) -> None:
    """Call the function "module:function"."""
    module, _, function = name.partition(":")
    with contextlib.suppress(Exception):
        getattr(importlib.import_module(module), function)(*arguments)


@contextlib.contextmanager
def _with_the_parent() -> Iterator[None]:
    """A context in which this process ends soon after its parent.

    It uses a timer signal, since a thread would not survive a fork.
    """
    parent = os.getppid()

    def look(number: int, frame: FrameType | None) -> None:
        if os.getppid() != parent:
            os._exit(1)

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK, LOOK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def call_all(calls: Iterable[tuple[str, Sequence[JsonValue]]]) -> None:
    """Make the calls, one after another."""
    with _with_the_parent():
        for one in calls:
            call(*one)
            # A collection in a forked process would write into all pages of what is there already.
            gc.collect()
            gc.freeze()


# Removed: programs that a run starts must not repeat the calls, and must import their own files.
if os.environ.get(SAFE_PATH) == OURS:
    del os.environ[SAFE_PATH]
if wanted := json.loads(os.environ.pop(CALLS, "[]")):
    call_all(wanted)

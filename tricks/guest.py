"""Calls of third-party code that can neither end this process nor block it for ever."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn, TypeVar

from tricks.errors import BadInput

T = TypeVar("T")

PATIENCE = 120.0  # seconds for an import; importing torch from a cold network disk takes a minute
GRACE = 10.0  # more seconds for code that cannot be interrupted; then the process ends


class Overdue(BaseException):
    """The time is over. It is no Exception, so the code's `except Exception` does not catch it."""


def call(function: Callable[[], T], what: str) -> T:
    """The result of `function`. Raises BadInput, beginning with `what`, if it exits or hangs.

    Exceptions of `function` pass through. Code that is stuck outside of Python cannot be
    interrupted: then a line is written, and the process ends with exit code 2.
    """
    try:
        with _bounded(what), _without_exit():
            return function()
    except SystemExit as error:
        told = "" if error.code is None else f" ({error.code})"
        raise BadInput(f"{what} ends the program as it is loaded{told}") from error
    except Overdue:
        raise BadInput(f"{what} {_late()}") from None


def _late() -> str:
    return f"was not loaded within {PATIENCE:g} s: it hangs, or has to do less as it is loaded"


@contextlib.contextmanager
def _without_exit() -> Iterator[None]:
    """A context in which os._exit raises SystemExit."""
    own, process = os._exit, os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() != process:  # a forked child may exit
            own(status)
        raise SystemExit(status)

    os._exit = leave
    try:
        yield
    finally:
        os._exit = own


@contextlib.contextmanager
def _bounded(what: str) -> Iterator[None]:
    """Raises Overdue after PATIENCE in the main thread; in other threads the process ends later."""
    own_exit = os._exit

    def give_up() -> None:
        with contextlib.suppress(OSError, ValueError):
            print(f"tricks-bench: {what} {_late()}", file=sys.stderr, flush=True)
        own_exit(2)

    def raise_overdue(number: int, frame: FrameType | None) -> None:
        raise Overdue

    last = threading.Timer(PATIENCE + GRACE, give_up)
    last.daemon = True
    last.start()
    main = threading.current_thread() is threading.main_thread()
    try:
        if main:
            before = signal.signal(signal.SIGALRM, raise_overdue)
            timer = signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        try:
            yield
        finally:
            if main:
                signal.setitimer(signal.ITIMER_REAL, *timer)
                signal.signal(signal.SIGALRM, before)
    finally:
        last.cancel()

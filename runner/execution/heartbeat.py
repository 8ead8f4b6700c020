"""Signs of life from inside a training, so that an epoch of hours is not taken for a hang.

A training calls `alive` once per batch. A worker process sets the function that the signs call;
without it they are ignored.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

EVERY = 5.0  # seconds between signs that are passed on

_tell: Callable[[], None] | None = None
_due = 0.0


def alive() -> None:
    """Report progress, at each step. Most calls only look at the clock."""
    global _due
    if _tell is None:
        return
    now = time.monotonic()
    if now >= _due:
        _due = now + EVERY
        _tell()


@contextlib.contextmanager
def passed_to(tell: Callable[[], None]) -> Iterator[None]:
    """A context in which signs call `tell`, at most once every `EVERY` seconds."""
    global _tell, _due
    before, _tell, _due = _tell, tell, 0.0
    try:
        yield
    finally:
        _tell = before

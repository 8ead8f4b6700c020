"""Signs of life from inside a training, so that an epoch of hours is not taken for a hang.

What trains calls `alive` as often as it likes: once a batch. A worker process says where to the
signs go; elsewhere they go nowhere.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

EVERY = 5.0  # seconds between signs that are told

_tell: Callable[[], None] | None = None
_due = 0.0


def alive() -> None:
    """A step was made. Most calls only look at the clock."""
    global _due
    if _tell is None:
        return
    now = time.monotonic()
    if now >= _due:
        _due = now + EVERY
        _tell()


@contextlib.contextmanager
def told_to(tell: Callable[[], None]) -> Iterator[None]:
    """Within it, signs call `tell`, at most one every `EVERY` seconds."""
    global _tell, _due
    before, _tell, _due = _tell, tell, 0.0
    try:
        yield
    finally:
        _tell = before

"""Map a function over images with one thread per core: Pillow and hashes release the lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from runner.execution.machine import cores

A = TypeVar("A")
B = TypeVar("B")
AHEAD = 64  # calls per thread that wait to run or to be collected, instead of a million at once


def mapped(function: Callable[[A], B], items: Iterable[A], ahead: int = AHEAD) -> Iterator[B]:
    """The results of `function` for `items`, in their order. ahead: waiting calls per thread."""
    rest = iter(items)
    with ThreadPoolExecutor(cores()) as pool:
        waiting = deque(pool.submit(function, item) for item in islice(rest, ahead * cores()))
        try:
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(function, item) for item in islice(rest, 1))
                yield result
        finally:
            for future in waiting:
                future.cancel()

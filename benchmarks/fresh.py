"""A process that has started nothing yet: its template is its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_a_fresh_process(function: Callable[..., T], *arguments: object) -> T:
    """`function` in a Python started anew, as a command of the tool is."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()

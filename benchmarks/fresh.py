"""A fresh process, without a template process of earlier measurements."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from runner.execution.orphans import leave_with_parent

T = TypeVar("T")


def in_a_fresh_process(function: Callable[..., T], *arguments: object) -> T:
    """`function` in a new Python process, as in a command of the tool."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), leave_with_parent) as pool:
        return pool.submit(function, *arguments).result()

"""The trainings that are timed: arms of the standard bag, in fresh child processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from runner.execution.engines import fork_server
from runner.execution.orphans import leave_with_parent
from runner.records.spec import RunSpec
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.registry import find
from tricks import compose, parse, registry, resolve
from tricks.recipe import Recipe

T = TypeVar("T")


def standard() -> list[str]:
    """The standard bag without EvoNorm, whose layers are slow, and without other optimizers."""
    return [
        name
        for name, trick in registry().items()
        if trick.standard and trick.factor != "optimizer" and name != "evonorm"
    ]


def recipe(task: str, tricks: list[str], **settings: Any) -> Recipe:
    """The task's baseline with `tricks` and fields in `settings`, resolved."""
    known = find(task)
    composed = compose(known.baseline, [parse(name) for name in tricks])
    return resolve(replace(composed, **settings), known.learning_rates)


def spec(
    task: str, tricks: list[str], seed: int, data: Path, images: int | None = None, **settings: Any
) -> RunSpec:
    """One run on `task`, whose images are in the folder `data`; `images` of them are trained on."""
    identity = find(task).identity(data, images)
    return RunSpec(identity, recipe(task, tricks, **settings), seed, tuple(tricks))


def there(task: str, data: Path) -> bool:
    """Whether the task's images are in `data`."""
    from tricks.errors import BadInput

    try:
        find(task).identity(data)
    except BadInput:
        return False
    return True


def in_a_child(function: Callable[..., T], *arguments: Any) -> T:
    """`function` in a process forked from the tool's template, which has imported torch.

    Memory, threads and allocator are the same as in a run of the tool.
    """
    fork_server.warm_up(RecipeRun("digits").preload())
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(1, context, leave_with_parent) as pool:
        return pool.submit(function, *arguments).result()

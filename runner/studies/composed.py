"""Compose a task's baseline and some tricks into a recipe, without a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.designs.factor import split
from runner.designs.field import Scalar
from runner.studies.settings import settle
from runner.tasks.task import Task
from tricks.bag import parse
from tricks.recipe import Recipe, differences, resolve
from tricks.trick import compose


@dataclass(frozen=True)
class Composed:
    """recipe: resolved. changed: field -> (baseline's value, recipe's value), where they differ."""

    recipe: Recipe
    changed: Mapping[str, tuple[Any, Any]]


def composed(text: str, task: Task, settings: Mapping[str, Scalar]) -> Composed:
    """`"baseline+mixup(alpha=0.4)+cosine"` on `task`, whose baseline has `settings`.

    Raises BadInput for an unknown trick or setting, and for tricks that exclude each other.
    """
    baseline, _ = settle(task.baseline, settings)
    tricks = [parse(part) for part in split(text, "+")[1:]]
    recipe = resolve(compose(baseline, tricks), task.learning_rates)
    return Composed(recipe, differences(recipe, resolve(baseline, task.learning_rates)))

"""Settings: what `--set` changes in all arms of a study."""

from __future__ import annotations

from collections.abc import Mapping

from runner.designs.field import Scalar, check_field, field_text, field_value
from runner.tasks.split_shares import SHARES
from runner.tasks.task import Task
from tricks.errors import BadInput
from tricks.recipe import Recipe
from tricks.values import coerce


def settle(baseline: Recipe, settings: Mapping[str, Scalar]) -> tuple[Recipe, int | None]:
    """`baseline` with `--set` applied, and the requested number of training images.

    Raises BadInput for an unknown field, or a value of the wrong type or range.
    """
    train_images = None
    for name, value in settings.items():
        where = f"--set {name}"
        if name == "train_images":
            number = int(value) if isinstance(value, str) and value.strip().isdigit() else value
            train_images = coerce(where, number, int)
            if train_images < 1:
                raise BadInput(f"{where} must be at least 1, not {train_images}")
            continue
        if name in SHARES:  # settings of the task: see divided
            continue
        baseline = check_field(baseline, name, field_value(name, value, where), where)
    return baseline, train_images


def setting_text(name: str, baseline: Recipe, train_images: int | None, task: Task) -> str:
    """A setting as text; equal values give equal texts."""
    if name in SHARES:
        return field_text(task.shares[SHARES.index(name)])
    return str(train_images) if name == "train_images" else field_text(getattr(baseline, name))

"""--set validation_share and test_share: how much of the images is held out. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping

from runner.designs.field import Given, field_literal
from runner.tasks.task import Task
from tricks.errors import BadInput
from tricks.values import coerce

SHARES = ("validation_share", "test_share")


def divided(task: Task, settings: Mapping[str, Given]) -> Task:
    """`task` with the shares that `settings` names held out.

    test_share is of all images, validation_share of those that are left, and each only where the
    images have no such part of their own. Raises BadInput for a share out of range, or a task
    whose parts are given.
    """
    asked: dict[str, float] = {}
    for name in SHARES:
        if name not in settings:
            continue
        value = settings[name]
        where = f"--set {name}"
        if task.divide is None:
            raise BadInput(f"{where}: {task.name} comes in parts; it is for folder: and csv:")
        share = coerce(where, field_literal(value, float), float)
        if not 0 < share <= 0.5:
            raise BadInput(f"{where} must be above 0 and at most 0.5, not {value}")
        asked[name] = share
    if not asked:
        return task
    held = dict(zip(SHARES, task.shares, strict=True)) | asked
    assert task.divide is not None
    return task.divide(*(held[name] for name in SHARES))

"""--set validation_share and test_share: the shares of held-out images. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping

from runner.designs.field import Given, field_literal
from runner.tasks.task import Task
from tricks.errors import BadInput
from tricks.values import coerce

SHARES = ("validation_share", "test_share")


def divided(task: Task, settings: Mapping[str, Given]) -> Task:
    """`task` with the held-out shares in `settings`.

    test_share is a share of all images, validation_share of the remaining images. Each counts only
    if the images do not have this part already. Raises BadInput for a share that is out of range,
    and for a task with fixed parts.
    """
    asked: dict[str, float] = {}
    for name in SHARES:
        if name not in settings:
            continue
        value = settings[name]
        where = f"--set {name}"
        if task.divide is None:
            raise BadInput(
                f"{where}: {task.name} has fixed parts; use it only with folder: and csv:"
            )
        share = coerce(where, field_literal(value, float), float)
        if not 0 < share <= 0.5:
            raise BadInput(f"{where} must be above 0 and at most 0.5, not {value}")
        asked[name] = share
    if not asked:
        return task
    held = dict(zip(SHARES, task.shares, strict=True)) | asked
    assert task.divide is not None
    return task.divide(*(held[name] for name in SHARES))

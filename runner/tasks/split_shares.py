"""--set validation_share and test_share: the shares of held-out images. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping

from runner.designs.field import Scalar, field_literal
from runner.tasks.task import Task
from tricks.errors import BadInput
from tricks.values import coerce

SHARES = ("validation_share", "test_share")


def divided(task: Task, settings: Mapping[str, Scalar]) -> Task:
    """`task` with the held-out shares in `settings`.

    test_share is a share of all images, validation_share of the remaining images. Each counts only
    if the images do not have this part already. Raises BadInput for a share that is out of range,
    and for a task with fixed parts.
    """
    given = {name: settings[name] for name in SHARES if name in settings}
    if not given:
        return task
    if task.divide is None:
        raise BadInput(
            f"--set {next(iter(given))}: {task.name} has fixed parts; use it only with folder: and "
            "csv:"
        )
    held = dict(zip(SHARES, task.shares, strict=True))
    for name, value in given.items():
        held[name] = coerce(f"--set {name}", field_literal(value, float), float)
        if not 0 < held[name] <= 0.5:
            raise BadInput(f"--set {name} must be above 0 and at most 0.5, not {value}")
    return task.divide(*(held[name] for name in SHARES))

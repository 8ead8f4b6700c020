"""The tasks: a file beside this one that defines TASKS adds to them. Torch-free."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from runner.tasks.task import Task
from tricks.errors import unknown

# Tasks whose name says where the images are -> what they are.
YOURS = {
    "torchvision:NAME": "a classification data set of torchvision, by its class's name",
    "folder:PATH": "your own images, one folder a class",
    "csv:PATH": "your own images, listed in a CSV with columns path and label, maybe split",
}


@cache
def all_tasks() -> dict[str, Task]:
    """Every task that has a fixed name."""
    modules = [
        importlib.import_module(m.name) for m in pkgutil.iter_modules(__path__, "runner.tasks.")
    ]
    return {task.name: task for module in modules for task in getattr(module, "TASKS", [])}


def names() -> list[str]:
    """What can stand behind --task."""
    return [*all_tasks(), *YOURS]


def find(name: str) -> Task:
    """The task called `name`, or one of `YOURS`. Raises BadInput."""
    if name.startswith("folder:"):
        from runner.tasks.folder import folder_task

        return folder_task(name)
    if name.startswith("csv:"):
        from runner.tasks.table import csv_task

        return csv_task(name)
    if name.startswith("torchvision:"):
        from runner.tasks.torchvision_names import torchvision_task

        return torchvision_task(name)
    if name not in all_tasks():
        raise unknown("task", name, names())
    return all_tasks()[name]

"""The tasks: a file beside this one that defines TASKS adds to them. Torch-free."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from runner.tasks.task import Task
from tricks.errors import unknown


@cache
def all_tasks() -> dict[str, Task]:
    """Every task that has a fixed name."""
    modules = [
        importlib.import_module(m.name) for m in pkgutil.iter_modules(__path__, "runner.tasks.")
    ]
    return {task.name: task for module in modules for task in getattr(module, "TASKS", [])}


def names() -> list[str]:
    """What can stand behind --task."""
    return [*all_tasks(), "folder:PATH"]


def find(name: str) -> Task:
    """The task called `name`; `folder:PATH` is a folder of images. Raises BadInput."""
    if name.startswith("folder:"):
        from runner.tasks.folder import folder_task

        return folder_task(name)
    if name not in all_tasks():
        raise unknown("task", name, names())
    return all_tasks()[name]

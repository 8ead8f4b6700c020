"""The registry of tasks. A file in `bundled/` that defines TASKS adds tasks. Torch-free."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from runner.tasks import bundled
from runner.tasks.csv_name import file_and_column
from runner.tasks.task import Task
from tricks.errors import BadInput, unknown

# Tasks with the place of the images in their name -> description.
YOURS = {
    "torchvision:NAME": "a classification data set of torchvision, by its class's name",
    "folder:PATH": "your own images, one folder a class; or a .zip or .tar of them",
    "hf:NAME": "an image data set of Hugging Face, of the hub or in a folder or .parquet of yours",
    "csv:PATH": "your own images, listed in a CSV with columns path and label, maybe split",
}


@cache
def all_tasks() -> dict[str, Task]:
    """Every task with a fixed name."""
    found = pkgutil.iter_modules(bundled.__path__, f"{bundled.__name__}.")
    modules = [importlib.import_module(m.name) for m in found]
    return {task.name: task for module in modules for task in getattr(module, "TASKS", [])}


def names() -> list[str]:
    """All values of --task."""
    from runner.tasks.python_task import given_names

    return [*all_tasks(), *given_names(), *YOURS]


def placed(name: str, data: Path | None, layout: str = "") -> tuple[str, Path | None]:
    """The task `folder` or `csv` of a study that takes your images, with the place `data` added.

    The second value is `data` if the task still needs it. A name with a place gets the new place,
    and keeps its column. Raises BadInput without a place. layout: the required content of the
    place.
    """
    kind, _, rest = name.partition(":")
    if kind not in ("folder", "csv"):
        return name, data
    if data is None:
        if rest:
            return name, None
        wanted = f": {layout}" if layout else ""
        raise BadInput(
            f"this needs your own images: give --data FOLDER, or --data FILE.csv{wanted}"
        )
    if data.suffix.lower() == ".csv":
        column = file_and_column(rest)[1] if kind == "csv" else ""
        return f"csv:{data}" + (f"#{column}" if column else ""), None
    return f"folder:{data}", None


def find(name: str) -> Task:
    """The task called `name`, or one of `YOURS`. Raises BadInput."""
    if name.startswith("folder:"):
        from runner.tasks.folder import folder_task

        return folder_task(name)
    if name.startswith("csv:"):
        from runner.tasks.csv_task import csv_task

        return csv_task(name)
    if name.startswith("torchvision:"):
        from runner.tasks.bundled.torchvision_names import torchvision_task

        return torchvision_task(name)
    if name.startswith("hf:"):
        from runner.tasks.hugging_face import hf_task

        return hf_task(name)
    if name in ("folder", "csv"):
        placed(name, None)
    if name in all_tasks():
        return all_tasks()[name]
    from runner.tasks.python_task import given_task

    found = given_task(name)
    if found is None:
        raise unknown("task", name, names())
    return found

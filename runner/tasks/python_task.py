"""Tasks with images from Python: from a plug-in's function, an installed package, or a script.

The images are written once (see `runner.images.written`), and the task consists of the written
files. So its identity is their content, and training processes need neither the function nor its
libraries.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from runner.images.counting import on_stderr
from runner.images.parts import PARTS, part_of
from runner.images.sampling import SHARES
from runner.images.written import remember, remembered, written
from runner.tasks.datasets import AnyDataset, labelled
from runner.tasks.task import Task
from tricks import guest
from tricks.errors import BadInput

DatasetFunction: TypeAlias = Callable[[], "Mapping[str, AnyDataset] | AnyDataset"]
GROUP = "tricks_bench.tasks"  # of entry points
GIVEN: dict[str, DatasetFunction] = {}  # task's name -> function; filled when plug-ins are loaded


def register(name: str) -> Callable[[DatasetFunction], DatasetFunction]:
    """Decorator: register a function that returns the data set of the task `name`, or its parts."""

    def kept(function: DatasetFunction) -> DatasetFunction:
        GIVEN[name] = function
        return function

    return kept


def given_names() -> list[str]:
    """Tasks of plug-ins and of installed packages, without loading the packages."""
    from importlib.metadata import entry_points

    return sorted({*GIVEN, *(entry.name for entry in entry_points(group=GROUP))})


def is_given(name: str) -> bool:
    """Whether a plug-in, a package or a script defines a task with this name."""
    return name in given_names() or remembered(name) is not None


def given_task(name: str) -> Task | None:
    """The task that a plug-in, a package or a script defines under this name; None without one.

    Its images are written first, unless the same plug-in file or package version has given them
    before. Raises BadInput if this fails.
    """
    from importlib.metadata import entry_points

    function, stamp = GIVEN.get(name), ""
    entry = next(iter(entry_points(group=GROUP, name=name)), None) if function is None else None
    if function is not None:
        stamp = _source(function)
    elif entry is not None:
        stamp = f"{entry.value} {entry.dist.version if entry.dist else ''}"
    if function is None and entry is None:
        listed = remembered(name)
        return None if listed is None else task_of(name, listed)
    listed = remembered(name, stamp)
    if listed is None:
        try:
            # Data may take hours to fetch: only a plug-in's import has a time limit.
            what = f"the task {name}"
            give = function or guest.call(entry.load, what)  # type: ignore[union-attr]
            found = give()
        except BadInput:
            raise
        except (Exception, SystemExit) as error:
            told = next(iter(str(error).splitlines()), "")
            raise BadInput(f"the task {name}: {type(error).__name__}: {told}") from error
        parts = found if isinstance(found, Mapping) else {"train": found}
        listed = write(name, parts)
        remember(name, stamp, listed)
    return task_of(name, listed)


def write(
    name: str, parts: Mapping[str, AnyDataset], names: Sequence[str] = (), column: str = ""
) -> Path:
    """Write the images of data sets called train, val (or validation), test. Returns their CSV.

    names: of numeric classes. column: of the labels of a Hugging Face data set. Raises BadInput for
    other parts, and for values that are no data sets of images.
    """
    known: dict[str, AnyDataset] = {}
    for part, dataset in parts.items():
        role = part_of(part)
        if role not in PARTS or role in known:
            raise BadInput(f"the task {name}: parts are train, validation and test, not {part}")
        known[role] = dataset
    if "train" not in known:
        raise BadInput(f"the task {name}: it has no part called train")
    if not all(map(len, known.values())):
        raise BadInput(f"the task {name}: a part has no images: leave it out")
    images = {part: labelled(known[part], names, column) for part in PARTS if part in known}
    try:
        return written(images, sum(map(len, known.values())), on_stderr)
    except BadInput as error:
        raise BadInput(f"the task {name}: {error}") from error


def task_of(
    name: str, listed: Path, validation: float = SHARES[0], test: float = SHARES[1]
) -> Task:
    """The task `name` of written images; see `csv_task`."""
    from runner.tasks.csv_task import csv_task

    return replace(
        csv_task(f"csv:{listed}", validation, test),
        name=name,
        kind="csv",
        summary=f"the images of {name}, written to {listed.parent}",
        divide=partial(task_of, name, listed),
    )


def _source(function: DatasetFunction) -> str:
    """A digest of the file that defines the function."""
    try:
        content = Path(inspect.getsourcefile(function) or "").read_bytes()
    except (OSError, TypeError):
        return "unknown"
    return hashlib.sha256(content).hexdigest()[:16]

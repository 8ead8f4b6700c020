"""Tasks from Python: data sets of torch or Hugging Face."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.tasks.python_task import register, task_of, write
from runner.tasks.registry import all_tasks
from runner.tasks.task import Task as _Task
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.tasks.datasets import AnyDataset

task = register


class Task(_Task):
    """A data set with the recipe and learning rates of its baseline."""

    @staticmethod
    def from_datasets(
        train: AnyDataset,
        validation: AnyDataset | None = None,
        test: AnyDataset | None = None,
        *,
        name: str = "",
        classes: Sequence[str] = (),
    ) -> _Task:
        """A task that trains on these images, for `tb.study(task=...)`.

        Each data set returns (image, label) for an index, or is a Hugging Face data set. Images are
        PIL images, uint8 arrays (H, W, C), or tensors (C, H, W) of uint8 or of floats from 0 to 1,
        not normalised. A data set that is None is split off the training set. name: the task's
        name, on the command line too. classes: the names of numeric labels. Images are written once
        into the cache folder, and identified by their content. Raises BadInput for any other kind
        of data set.
        """
        from runner.images.written import remember

        if name in all_tasks() or ":" in name:
            raise BadInput(f"a new task cannot be called {name}: choose another name")
        parts = {"train": train, "validation": validation, "test": test}
        listed = write(name, {k: v for k, v in parts.items() if v is not None}, classes)
        name = name or f"data-{hashlib.sha256(listed.parent.name.encode()).hexdigest()[:8]}"
        remember(name, "", listed)
        return task_of(name, listed)

"""Tasks from Python: data sets of torch or Hugging Face as something to train on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.tasks.python_task import register, task_of, write
from runner.tasks.registry import all_tasks
from runner.tasks.task import Task as _Task
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.tasks.datasets import Given

task = register


class Task(_Task):
    """A data set with a baseline's recipe and learning rates for it."""

    @staticmethod
    def from_datasets(
        train: Given,
        validation: Given | None = None,
        test: Given | None = None,
        *,
        name: str = "",
        classes: Sequence[str] = (),
    ) -> _Task:
        """The task of these images, for `tb.study(task=...)`.

        Data sets give (image, label) by number: PIL images, uint8 arrays (H, W, C), tensors (C, H,
        W) of uint8 or floats from 0 to 1, not normalised; or are Hugging Face's. What is None is
        held out of training. name: under which the command line finds it, too; classes: names of
        labels that are numbers. Images are written once into the cache folder and known by their
        content. Raises BadInput for what is no such data set.
        """
        from runner.images.written import remember

        if name in all_tasks() or ":" in name:
            raise BadInput(f"a task of yours cannot be called {name}")
        parts = {"train": train, "validation": validation, "test": test}
        listed = write(name, {k: v for k, v in parts.items() if v is not None}, classes)
        name = name or f"data-{hashlib.sha256(listed.parent.name.encode()).hexdigest()[:8]}"
        remember(name, "", listed)
        return task_of(name, listed)

"""hf:NAME_OR_PATH[:CONFIG][#COLUMN]: image data sets of Hugging Face, from the hub or files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from runner.images.counting import on_stderr
from runner.images.parts import PARTS, part_of
from runner.images.user_path import user_path
from runner.images.written import remember, remembered
from runner.tasks.datasets import without_labels
from runner.tasks.python_task import task_of, write
from runner.tasks.task import Task, digest
from tricks.errors import BadInput

if TYPE_CHECKING:
    from datasets import Dataset

INSTALL = "hf: needs the package datasets: pip install 'tricks-bench[hf]'"
SAVED = ("dataset_dict.json", "dataset_info.json", "state.json")  # files of save_to_disk


def hf_task(name: str) -> Task:
    """The task of `hf:NAME_OR_PATH[:CONFIG][#COLUMN]`. COLUMN: of the labels, if several.

    Its images are first written to the cache folder: once, and again if files of a local data set
    have changed. Raises BadInput for a data set that is unavailable or has no labels.
    """
    text = name.removeprefix("hf:")
    place, config, column = parsed(text)
    if not place:
        raise BadInput("hf: needs a name or a path: --task hf:NAME_OR_PATH")
    path = user_path(place)
    stamp = _stamp(path) if path.exists() else ""
    listed = remembered(name, stamp)
    if listed is None:
        parts = _parts(name, place, config, column)
        listed = write(name, parts, column=column)
        remember(name, stamp, listed)
    return task_of(name, listed)


def parsed(text: str) -> tuple[str, str, str]:
    """Name or path, configuration, column of labels; "" for missing parts.

    >>> parsed("cifar100#fine_label"), parsed("user/set:small")
    (('cifar100', '', 'fine_label'), ('user/set', 'small', ''))
    """
    if user_path(text).exists():
        return text, "", ""
    text, _, column = text.rpartition("#") if "#" in text else (text, "", "")
    if user_path(text).exists():
        return text, "", column
    place, _, config = text.rpartition(":") if ":" in text else (text, "", "")
    return place, config, column


def _parts(name: str, place: str, config: str, column: str) -> Mapping[str, Dataset]:
    """The labelled parts of the data set. Raises BadInput."""
    path = user_path(place)
    if not path.exists():
        _offline_at_once()
    try:
        import datasets
    except ImportError as error:
        raise BadInput(INSTALL) from error
    datasets.disable_progress_bars()
    try:
        if path.is_dir() and any((path / file).is_file() for file in SAVED):
            found = datasets.load_from_disk(str(path))
        elif path.is_file() and path.suffix == ".parquet":
            found = datasets.load_dataset("parquet", data_files=str(path))
        else:
            given = str(path) if path.exists() else place
            found = datasets.load_dataset(given, config or None)
    except Exception as error:  # the library raises many errors
        told = next(iter(str(error).splitlines()), "")[:200]
        raise BadInput(f"--task {name}: {type(error).__name__}: {told}") from error
    parts = dict(found) if isinstance(found, Mapping) else {"train": found}
    try:
        labelled = {k: v for k, v in parts.items() if len(v) and not without_labels(v, column)}
    except BadInput as error:
        raise BadInput(f"--task {name}: {error}") from error
    only = next(iter(labelled)) if len(labelled) == 1 else None
    used = [part for part in labelled if part == only or part_of(part) in PARTS]
    left = [part for part in parts if part not in used]
    if left:
        on_stderr(
            f"--task {name}: not used: {', '.join(left)} (without labels, or not called train, "
            "validation or test)"
        )
    return {"train" if part == only else part: labelled[part] for part in used}


def _offline_at_once() -> None:
    """If the hub cannot be reached, let its clients use only their caches."""
    from huggingface_hub import constants

    from runner.training.hub import reached

    if not reached(constants.ENDPOINT):
        os.environ["HF_HUB_OFFLINE"] = "1"  # datasets reads it on import
        constants.HF_HUB_OFFLINE = True


def _stamp(path: Path) -> str:
    """The names, sizes and times of a local data set's files, which show a change."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    lines = [f"{file} {(s := file.stat()).st_size} {s.st_mtime_ns}" for file in files]
    return digest(lines)

"""Whether a model was trained on the images to evaluate it on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.images.archives import folder_at
from runner.images.folders import read_folder
from runner.images.parts import part_of
from runner.images.tables import read_csv
from runner.images.user_path import user_path
from runner.inference.inference_images import as_split, is_task
from runner.tasks.csv_task import rows_and_sizes
from runner.tasks.folder import names_and_sizes
from runner.tasks.task import DATA
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.json_values import JsonValue
    from runner.records.spec import Fingerprint

AMONG = (
    "by their names and sizes, the model was trained on some of these images: expect lower "
    "accuracy on new images; the model's record and report have its accuracy on held-out images"
)


def trained_on(text: str, trained: Fingerprint, sets: Path | None = None) -> str | None:
    """A warning if the images of `text` are the model's training images; else None.

    trained: the identity of the model's images (`Card.data`). A data set is identified by names and
    sizes, so it counts as another data set once files were renamed, added or removed. The test part
    of a folder, a CSV, or a task that is split as in training, does not count as training images.
    """
    path, files = folder_at(user_path(text)), trained.get("files")
    if is_task(text):
        now = as_split(text, trained).identity(sets or DATA)
        own = now.get("files") == files and now.get("split") != trained.get("split")
        return AMONG if files and own else None
    try:
        if path.is_dir():
            return AMONG if any(_is_own(place, path, files) for place in _places(path)) else None
        if path.suffix.lower() == ".csv":
            found = read_csv(path, str(trained.get("group_by") or ""))
            same = rows_and_sizes(found) == files
            return AMONG if same and "test" not in found.parts else None
    except BadInput:  # not a data set
        return None
    return None


def _places(path: Path) -> list[Path]:
    """Folders that a model trained on the images of `path` may have been trained on."""
    return [path, path.parent] if part_of(path.name) == "train" else [path]


def _is_own(place: Path, path: Path, files: JsonValue) -> bool:
    try:
        found = read_folder(place)
    except BadInput:  # a part without classes
        return False
    return names_and_sizes(found) == files and (place != path or "test" not in found.parts)

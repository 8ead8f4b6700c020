"""Whether images to evaluate on are among those that a model was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.images.archives import folder_at
from runner.images.folders import read_folder
from runner.images.parts import part_of
from runner.images.tables import read_csv
from runner.inference.inference_images import as_split, is_task
from runner.tasks.csv_task import rows_and_sizes
from runner.tasks.folder import names_and_sizes
from runner.tasks.task import DATA
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.json_values import JsonValue
    from runner.records.spec import Fingerprint

AMONG = (
    "by their names and sizes the model was trained on some of these images: on new ones expect "
    "less; what it got on images held out of its training is in its record and report"
)


def trained_on(text: str, trained: Fingerprint, sets: Path | None = None) -> str | None:
    """A line that says so where the images of `text` are a model's own; else None.

    trained: what identifies the model's images (`Card.data`). A data set is known by its names
    and sizes, so that one whose files were renamed, added or removed passes for another. A test
    part, of a folder, a CSV or a task split as in training, is no training images.
    """
    path, files = folder_at(Path(text).expanduser()), trained.get("files")
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
    except BadInput:  # no data set by itself
        return None
    return None


def _places(path: Path) -> list[Path]:
    """Folders that a model may have been trained on if it was on the images of `path`."""
    return [path, path.parent] if part_of(path.name) == "train" else [path]


def _is_own(place: Path, path: Path, files: JsonValue) -> bool:
    try:
        found = read_folder(place)
    except BadInput:  # a part without classes of its own
        return False
    return names_and_sizes(found) == files and (place != path or "test" not in found.parts)

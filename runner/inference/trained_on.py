"""Whether images to evaluate on are among those that a model was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.images.parts import part_of
from runner.images.tables import read_csv
from runner.inference.given import is_task
from runner.tasks import folder, table
from runner.tasks.registry import find
from runner.tasks.task import DATA
from tricks.errors import BadInput

AMONG = (
    "by their names and sizes the model was trained on some of these images: on new ones expect "
    "less; what it got on images held out of its training is in its record and report"
)


def trained_on(text: str, trained: Mapping[str, Any], sets: Path | None = None) -> str | None:
    """A line that says so where the images of `text` are a model's own; else None.

    trained: what identifies the model's images (`Card.data`). A data set is known by its names
    and sizes, so that one whose files were renamed, added or removed passes for another. A test
    part, of a folder, a CSV or a task split as in training, is no training images.
    """
    path = Path(text).expanduser()
    if is_task(text):
        now: Mapping[str, Any] = find(text).identity(sets or DATA)
        split = now.get("split") != trained.get("split")
        return AMONG if _same(now, trained) and split else None
    if path.is_dir():
        places = [path, path.parent] if part_of(path.name) == "train" else [path]
        for place in places:
            try:
                now = folder.fingerprint(place, DATA)
            except BadInput:  # a part without classes of its own, or no data set
                continue
            if _same(now, trained) and (place != path or "test" not in now["parts"]):
                return AMONG
    elif path.suffix.lower() == ".csv":
        column = trained.get("group_by") or ""
        try:
            now = table.fingerprint(path, column, DATA)
            tested = "test" in read_csv(path).parts
        except BadInput:
            return None
        return AMONG if _same(now, trained) and not tested else None
    return None


def _same(now: Mapping[str, Any], trained: Mapping[str, Any]) -> bool:
    return "files" in now and now["files"] == trained.get("files")

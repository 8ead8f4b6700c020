"""CSVs that list images with their labels, and maybe their parts and groups."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from runner.images.folders import PARTS
from tricks.errors import BadInput, unknown

# What people call the columns, in lower case.
PATHS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path", "img")


LABELS = ("label", "class", "species", "category", "target", "class_name")


SPLITS = ("split", "part", "partition", "subset", "set", "fold")


@dataclass(frozen=True)
class Listed:
    """A CSV's rows. part: train, val, test or "" for each; group: "" where none was asked for."""

    paths: list[Path]
    labels: list[str]
    parts: list[str]
    groups: list[str]


def read(path: Path, column: str = "") -> Listed:
    """The rows of the CSV; relative paths are below the CSV's folder.

    Raises BadInput for a missing file or column, an unknown part, or an image that is not there.
    """
    names, rows = rows_of(path)
    image, label = column_of(path, names, PATHS), column_of(path, names, LABELS)
    part = next((name for name in names if name.lower() in SPLITS), None)
    if column and column not in names:
        raise BadInput(f"{path}: {unknown('column for --group-by', column, names)}")
    paths = files_of(path, [row[image] for row in rows])
    for i, row in enumerate(rows):
        if not row[label]:
            raise BadInput(f"{path}, line {i + 2}: no {label}")
    parts = [_part(path, i, row[part]) for i, row in enumerate(rows)] if part else [""] * len(rows)
    if part and "train" not in parts:
        raise BadInput(f"{path}: no row has {part} train")
    groups = [row[column] for row in rows] if column else [""] * len(rows)
    return Listed(paths, [row[label] for row in rows], parts, groups)


def rows_of(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns of a CSV and its rows. Raises BadInput if it cannot be read, or has none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as text:
            lines = csv.DictReader(text, strict=True)
            names = [name.strip() for name in lines.fieldnames or []]
            rows = [{k.strip(): (v or "").strip() for k, v in row.items() if k} for row in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read as a CSV: {error}") from error
    if not rows:
        raise BadInput(f"{path}: no rows below its header")
    return names, rows


def files_of(path: Path, texts: list[str]) -> list[Path]:
    """The files that the rows of a CSV name. Raises BadInput for one that is not there."""
    paths = [path.parent / Path(text).expanduser() for text in texts]
    for i, file in enumerate(paths):
        if not file.is_file():
            raise BadInput(f"{path}, line {i + 2}: there is no image {file}")
    return paths


def column_of(path: Path, names: list[str], known: tuple[str, ...]) -> str:
    """The one column whose name is among `known`, in any case. Raises BadInput."""
    found = [name for name in names if name.lower() in known]
    if len(found) != 1:
        what = f"columns {' and '.join(found)} are both one" if found else f"has {', '.join(names)}"
        raise BadInput(f"{path}: needs one column called {known[0]} (or {known[1]}): {what}")
    return found[0]


def _part(path: Path, row: int, text: str) -> str:
    found = next((part for part, known in PARTS.items() if text.lower() in known), None)
    if found is None:
        raise BadInput(f"{path}, line {row + 2}: unknown part {text!r}; use train, val, test")
    return found


def relative(file: Path, root: Path) -> str:
    """The path below `root`, so that both can be moved together; others as they are."""
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()


def check_groups(path: Path, rows: Listed) -> None:
    """Raises BadInput for a group that the file itself has in two parts."""
    held: dict[str, str] = {}
    for group, part in zip(rows.groups, rows.parts, strict=True):
        if held.setdefault(group, part) != part:
            raise BadInput(f"{path}: the group {group!r} is in {held[group]} and in {part}")

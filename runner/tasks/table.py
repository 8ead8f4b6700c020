"""csv:PATH: images listed in a CSV with their labels, and maybe their parts and groups."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.tasks.folder import (
    FINE_TUNING,
    FINE_TUNING_RATES,
    PARTS,
    SHARES,
    check_images,
    held,
    split,
)
from runner.tasks.task import Task
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.images.sources import Splits

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


def csv_task(name: str, validation: float = SHARES[0], test: float = SHARES[1]) -> Task:
    """The task of `csv:PATH` or `csv:PATH#COLUMN`, COLUMN naming the groups kept together.

    With these shares held out where it has no such parts.
    """
    text, _, column = name.removeprefix("csv:").partition("#")
    path = Path(text).expanduser()
    if not text.strip():
        raise BadInput("csv: needs a file: --task csv:PATH")
    return Task(
        name=name,
        summary=f"the images listed in {path}",
        baseline=FINE_TUNING,
        learning_rates=FINE_TUNING_RATES,
        fingerprint=partial(fingerprint, path, column, shares=(validation, test)),
        check=partial(check, path, column),
        load=partial(load, path, column, shares=(validation, test)),
        shares=(validation, test),
        divide=partial(csv_task, name),
    )


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


def fingerprint(
    path: Path, column: str, data: Path, shares: tuple[float, float] = SHARES
) -> Mapping[str, Any]:
    """Names (as the file writes them), sizes, labels, parts and groups of all images."""
    rows = read(path, column)
    lines = [
        f"{relative(file, path.parent)}\t{file.stat().st_size}\t{label}\t{part}\t{group}"
        for file, label, part, group in zip(
            rows.paths, rows.labels, rows.parts, rows.groups, strict=True
        )
    ]
    return {
        "files": hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16],
        "split": held(shares, rows.parts),
        "group_by": column or None,
    }


def relative(file: Path, root: Path) -> str:
    """The path below `root`, so that both can be moved together; others as they are."""
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()


def load(
    path: Path,
    column: str,
    data: Path,
    train_images: int | None,
    shares: tuple[float, float] = SHARES,
) -> Splits:
    """The splits: the file's own parts, the others held out of training, groups kept whole."""
    import torch

    from runner.images.sources import Files, Source

    rows = read(path, column)
    classes = sorted(set(rows.labels))
    if len(classes) < 2:
        raise BadInput(f"{path}: all images are {classes[0]}: at least two classes are needed")
    found: dict[str, Source] = {}
    for part in dict.fromkeys(rows.parts):
        chosen = [i for i, own in enumerate(rows.parts) if own == part]
        labels = torch.tensor([classes.index(rows.labels[i]) for i in chosen])
        found[part or "all"] = Files(tuple(rows.paths[i] for i in chosen), labels)
    groups = None
    if column:
        _check_groups(path, rows)
        groups = [
            g for g, part in zip(rows.groups, rows.parts, strict=True) if part in ("", "train")
        ]
    return split(path, found, train_images, groups, classes, shares)


def _check_groups(path: Path, rows: Listed) -> None:
    """Raises BadInput for a group that the file itself has in two parts."""
    held: dict[str, str] = {}
    for group, part in zip(rows.groups, rows.parts, strict=True):
        if held.setdefault(group, part) != part:
            raise BadInput(f"{path}: the group {group!r} is in {held[group]} and in {part}")


def check(path: Path, column: str, data: Path) -> None:
    """Decode every image, so that an unreadable one is named before hours of training."""
    check_images(read(path, column).paths)

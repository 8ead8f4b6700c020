"""CSVs that list images with their labels, optionally with their parts and groups."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from runner.images.csv_rows import Table, read_table, readable
from runner.images.file_list import ImageFile, ImageFiles
from runner.images.listed import Listed, odd_labels, once
from runner.images.one_hot import with_label
from runner.images.rows import Row, Rows, Words
from runner.images.split_columns import split_cells, split_columns
from runner.images.user_path import user_path
from runner.images.walk import Passed, image_file
from runner.text import counted
from tricks.errors import BadInput, unknown

# Names that people give the columns, in lower case.
PATHS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path", "img")
LABELS = ("label", "class", "species", "category", "target", "class_name")
# Words in the names of columns that group images.
GROUP_WORDS = frozenset((
    "place", "location", "site", "camera", "station", "area", "animal", "individual", "patient",
    "subject", "person", "participant", "identity", "donor", "specimen", "case", "writer", "author",
    "speaker", "id", "group", "session", "sequence", "seq", "video", "clip", "scene", "burst",
    "event", "study", "series", "slide", "plate", "batch", "device", "scanner", "hospital",
))  # fmt: skip
_WHOLE = re.compile(r"([+-]?\d+)(\.0*)?")


def read_csv(path: Path, column: str = "") -> Listed:
    """The images that the CSV lists, with paths relative to its folder. column: of the groups.

    Raises BadInput for a missing file or column, an unknown part, two columns that could be the
    split, a missing image, or an image with two labels or groups.
    """
    table, image, label, told = _labelled(path, column)
    if column and column not in table.columns:
        raise BadInput(f"{path}: {unknown('column for --group-by', column, table.columns)}")
    labels = plain_labels(table, label)
    parts, notes = split_cells(table, exclude=(image, label, column))
    groups = readable(table, column) if column else [""] * len(labels)
    words = (Words.of(column) for column in (labels, parts, groups))
    rows = Rows(image_files(table, image), *words)
    kept, twice, leaks = once(rows, table.where)
    if column:
        _check_groups(path, rows)
    used = (image, label, *split_columns(table, exclude=(image, label)))
    offers = () if column else tuple(_shared(table, used, labels))
    found = Listed(path, rows.take(kept), twice, (), column, offers, leaks)
    grouped = _ungrouped(groups, column) if column else _separated(table, offers, parts)
    return replace(found, notes=(*told, *notes, *odd_labels(found.classes), *grouped))


def _labelled(path: Path, column: str = "") -> tuple[Table, str, str, tuple[str, ...]]:
    """The CSV, the names of its columns of images and labels, and notes on how labels were read."""
    table = read_table(path)
    image = table.one_of(PATHS)
    table, told = with_label(table, LABELS, (image, column))
    return table, image, table.one_of(LABELS), told


def unlabelled(path: Path) -> tuple[list[str], ImageFiles]:
    """The images that a CSV lists, as written and as files. Other columns are ignored."""
    table = read_table(path)
    image = table.one_of(PATHS)
    return table.column(image), image_files(table, image)


def labelled(path: Path, classes: Sequence[str]) -> tuple[list[str], list[Row], tuple[Passed, ...]]:
    """The images that a CSV lists, as written and as rows with their labels; skipped files.

    If the CSV has a test part, only this part. Each image counts once. classes: whose spelling the
    labels keep. Raises BadInput as `read_csv` does.
    """
    table, image, label, _ = _labelled(path)
    labels = readable(table, label)
    if not set(labels) <= set(classes):
        labels = plain_labels(table, label)
    parts, _ = split_cells(table, exclude=(image, label), needs_train=False)
    files, texts = image_files(table, image), table.column(image)
    places = [i for i, part in enumerate(parts) if part == "test"] or list(range(len(parts)))
    chosen = np.array(places)
    same = Words.of([""], len(places))
    own = Rows(files.take(chosen), Words.of(labels).take(chosen), same, same)
    kept, passed, _ = once(own, lambda i: table.where(places[i]))
    rows = [Row(files[i], labels[i], parts[i]) for i in chosen[kept].tolist()]
    return [texts[i] for i in chosen[kept].tolist()], rows, passed


def image_files(table: Table, column: str) -> ImageFiles:
    """The files that the column names. Raises BadInput for a missing file."""
    return ImageFiles.of(_image_files(table, column))


def _image_files(table: Table, column: str) -> Iterator[ImageFile]:
    for i, text in enumerate(table.column(column)):
        if not text:
            raise BadInput(f"{table.where(i)}: no {column}")
        path = table.path.parent / user_path(text)
        file = image_file(path) or _spelled_otherwise(table.path.parent, text)
        if file is None:
            raise BadInput(f"{table.where(i)}: {_absent(path)}")
        yield file


def _spelled_otherwise(folder: Path, text: str) -> ImageFile | None:
    """The file whose name is written as on Windows, or in another Unicode form (macOS)."""
    names = [text.replace("\\", "/")]
    if not text.isascii():
        names += [unicodedata.normalize(form, names[0]) for form in ("NFC", "NFD")]
    found = (image_file(folder / name) for name in names if name != text)
    return next((file for file in found if file is not None), None)


def _absent(path: Path) -> str:
    """Why `path` is no file that can be read."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return f"there is no image {path}: paths are relative to the CSV's folder"
    except OSError as error:
        return f"{path}: cannot be read: {error.strerror}"
    return f"{path} is not a file"


def plain_labels(table: Table, column: str) -> list[str]:
    """The labels. Whole numbers such as 1.0 become 1, but 0001 stays 0001.

    Raises BadInput for a row without a label, and for labels that differ only in such spelling.
    """
    labels = readable(table, column)
    for i, label in enumerate(labels):
        if not label:
            raise BadInput(f"{table.where(i)}: no {column}")
    kinds = {label: _WHOLE.fullmatch(label) for label in dict.fromkeys(labels)}
    floats = [label for label, match in kinds.items() if match and match[2]]
    if not floats:
        return labels
    strange = next((label for label, match in kinds.items() if match is None), None)
    plain = {label: match[1] if match else label for label, match in kinds.items()}
    values: dict[int, str] = {}
    for label, match in kinds.items():
        if match is None:
            continue
        other = values.setdefault(int(match[1]), label)
        if plain[other] != plain[label] or (strange is not None and other != label):
            raise BadInput(
                f"{table.path}: the labels {other!r} and {label!r} differ only in how a number is "
                "written: write one of them"
            )
    return labels if strange is not None else [plain[label] for label in labels]


def _check_groups(path: Path, rows: Sequence[Row]) -> None:
    """Raises BadInput for a group that is in two parts of the file's own split."""
    held: dict[str, str] = {}
    for row in rows:
        if row.group and held.setdefault(row.group, row.part) != row.part:
            raise BadInput(
                f"{path}: the group {row.group!r} is in {held[row.group]} and in {row.part}: "
                "move it to one part"
            )


def _shared(table: Table, used: Sequence[str], labels: Sequence[str]) -> Iterator[str]:
    """Columns whose names and values suggest groups of images.

    A column with one value for each label, such as class_id, is another name of the label.
    """
    classes = len(set(labels))
    for name in table.columns:
        words = re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name)
        if name in used or not GROUP_WORDS & {word.lower() for word in words}:
            continue
        cells = table.column(name)
        if len(set(zip(cells, labels, strict=True))) == classes:
            continue
        if 1 < len(set(cells)) < len(table.rows):
            yield name


def _separated(table: Table, names: Sequence[str], parts: Sequence[str]) -> Iterator[str]:
    """Notes on columns of groups, if images of one group are in two parts of the file's split."""
    for name in names:
        first: dict[str, str] = {}
        apart: dict[str, str] = {}
        for cell, part in zip(table.column(name), parts, strict=True):
            if cell and first.setdefault(cell, part) != part:
                apart.setdefault(cell, part)
        if apart:
            cell, part = next(iter(apart.items()))
            yield (
                f"{len(apart):,} of {len(first):,} values of {name} are in more than one part, "
                f"such as {cell!r} in {first[cell]} and in {part}: test images may resemble "
                "training images"
            )


def _ungrouped(groups: Sequence[str], column: str) -> Iterator[str]:
    """A note on images without a group."""
    count = groups.count("")
    if count:
        yield f"{counted(count, 'image')} without {column}: a split keeps them together"

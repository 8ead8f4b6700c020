"""Images given to a trained model: a folder, a CSV, one file, or the test split of a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.images.folders import EXTENSIONS, PARTS, images_below
from runner.images.tables import LABELS, PATHS, SPLITS, column_of, files_of, rows_of
from runner.tasks.registry import YOURS, all_tasks, find
from runner.tasks.task import DATA
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.images.sources import Source


@dataclass(frozen=True)
class Given:
    """Images in order. labels: places in the model's class names, where they were asked for."""

    source: Source
    paths: tuple[str, ...]  # what a table calls each of them
    what: str
    labels: tuple[int, ...] = ()


def unlabelled(text: str, sets: Path | None = None) -> Given:
    """The images that `text` names, in any folders below one; `sets`: where tasks have theirs.

    Raises BadInput if there are none.
    """
    if is_task(text):
        source, _, what = _test(text, sets)
        return Given(source, _named(source, text), what)
    path = Path(text).expanduser()
    if path.is_dir():
        files = images_below(path)
        names = tuple(file.relative_to(path).as_posix() for file in files)
        return Given(_files(files), names, f"{len(files):,} images in {path}")
    if path.suffix.lower() in EXTENSIONS and path.is_file():
        return Given(_files([path]), (text,), text)
    if path.suffix.lower() == ".csv":
        names_, rows = rows_of(path)
        column = column_of(path, names_, PATHS)
        texts = [row[column] for row in rows]
        files = files_of(path, texts)
        return Given(_files(files), tuple(texts), f"{len(files):,} images listed in {path}")
    raise _nothing(text)


def labelled(text: str, classes: Sequence[str], sets: Path | None = None) -> Given:
    """The images that `text` names, with their classes: one folder a class, a CSV, or a task.

    Of a data set that is in parts, the test part. Raises BadInput for a class that is not among
    `classes`.
    """
    if is_task(text):
        source, names, what = _test(text, sets)
        _check(text, names, classes)
        labels = [classes.index(names[label]) for label in source.labels.tolist()]
        return Given(source, _named(source, text), what, tuple(labels))
    path = Path(text).expanduser()
    if path.is_dir():
        return _folder(path, classes)
    if path.suffix.lower() == ".csv":
        return _table(path, classes)
    raise _nothing(text)


def _folder(path: Path, classes: Sequence[str]) -> Given:
    inside = {
        child.name: child
        for child in sorted(path.iterdir())
        if child.is_dir() and not child.name.startswith(".")
    }
    if not set(inside) & set(classes):
        part = next((c for name, c in inside.items() if name.lower() in PARTS["test"]), None)
        if part is not None:
            return _folder(part, classes)
    if not inside:
        raise BadInput(f"{path}: no folders in it; give a folder that holds one a class")
    _check(str(path), list(inside), classes)
    files, labels = [], []
    for name, child in inside.items():
        own = images_below(child)
        files += own
        labels += [classes.index(name)] * len(own)
    names = tuple(file.relative_to(path).as_posix() for file in files)
    return Given(_files(files), names, f"{len(files):,} images in {path}", tuple(labels))


def _table(path: Path, classes: Sequence[str]) -> Given:
    names, rows = rows_of(path)
    image, label = column_of(path, names, PATHS), column_of(path, names, LABELS)
    part = next((name for name in names if name.lower() in SPLITS), None)
    tested = [row for row in rows if part and row[part].lower() in PARTS["test"]]
    texts = [row[image] for row in tested or rows]
    files = files_of(path, texts)
    held = [row[label] for row in tested or rows]
    _check(str(path), held, classes)
    what = f"{len(files):,} {'test ' if tested else ''}images listed in {path}"
    return Given(_files(files), tuple(texts), what, tuple(classes.index(name) for name in held))


def _check(where: str, names: Sequence[str], classes: Sequence[str]) -> None:
    """Raises BadInput for a name that is no class of the model."""
    strange = next((name for name in names if name not in classes), None)
    if strange is not None:
        raise BadInput(f"{where}: {unknown('class', strange, classes)}; the model has no such one")


def is_task(text: str) -> bool:
    kinds = tuple(name.partition(":")[0] + ":" for name in YOURS)
    return text in all_tasks() or text.startswith(kinds)


def _test(text: str, sets: Path | None) -> tuple[Source, Sequence[str], str]:
    """The test split of a task, and the names of its classes."""
    task, place = find(text), sets or DATA
    task.fingerprint(place)  # says what is missing
    splits = task.load(place, None)
    names = splits.names or [str(i) for i in range(splits.classes)]
    return splits.test, names, f"the {len(splits.test):,} test images of {text}"


def _named(source: Source, text: str) -> tuple[str, ...]:
    from runner.images.sources import Files

    if isinstance(source, Files):
        return tuple(path.as_posix() for path in source.paths)
    return tuple(f"{text}/test/{i}" for i in range(len(source)))


def _files(paths: Sequence[Path]) -> Source:
    import torch

    from runner.images.sources import Files

    return Files(tuple(paths), torch.zeros(len(paths), dtype=torch.int64))


def _nothing(text: str) -> BadInput:
    if Path(text).exists():
        return BadInput(f"--data {text}: give a folder of images, a CSV that lists them, or a task")
    known = ", ".join(all_tasks())
    return BadInput(f"--data {text}: there is no such folder or CSV, nor a task ({known})")

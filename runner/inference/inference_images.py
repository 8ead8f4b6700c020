"""The images for a trained model: a folder, a CSV, one file, or the test split of a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.images import tables
from runner.images.archives import folder_at
from runner.images.folders import class_folders
from runner.images.listed import same_text
from runner.images.summary import passed_over
from runner.images.user_path import user_path
from runner.images.walk import EXTENSIONS, images_below
from runner.tasks.python_task import is_given
from runner.tasks.registry import YOURS, all_tasks, find
from runner.tasks.task import DATA, Task
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.images.sources import Source
    from runner.records.spec import Fingerprint


@dataclass(frozen=True)
class InferenceImages:
    """Images in order. labels: places in the model's class names, if requested.

    notes: lines about files that were found but left out.
    """

    source: Source
    paths: tuple[str, ...]  # the images' names in tables
    description: str
    labels: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def without(self, bad: Mapping[int, str]) -> InferenceImages:
        """The images without those at the places `bad`, whose reasons become notes."""
        kept = [i for i in range(len(self.paths)) if i not in bad]
        return InferenceImages(
            self.source.subset(kept),
            tuple(self.paths[i] for i in kept),
            f"{len(kept):,} of {self.description}",
            tuple(self.labels[i] for i in kept) if self.labels else (),
            (*self.notes, *bad.values()),
        )


def unlabelled(
    text: str, sets: Path | None = None, trained: Fingerprint | None = None
) -> InferenceImages:
    """The images that `text` names, with subfolders. sets: the folder of tasks' data sets.

    trained: the identity of a model's images, so that a task is split as in its training. Raises
    BadInput if there are no images.
    """
    if is_task(text):
        source, _, description = _test(text, sets, trained)
        return InferenceImages(source, _named(source, text), description)
    path = folder_at(user_path(text))
    if path.is_dir():
        images, passed = images_below(path)
        files = images.paths
        notes = tuple(passed_over(passed))
        return InferenceImages(
            _files(files), _names(files, path), f"{len(files):,} images in {path}", (), notes
        )
    if path.suffix.lower() in EXTENSIONS and path.is_file():
        return InferenceImages(_files([path]), (text,), text)
    if path.suffix.lower() == ".csv":
        texts, listed = tables.unlabelled(path)
        description = f"{len(texts):,} images listed in {path}"
        return InferenceImages(_files(listed.paths), tuple(texts), description)
    raise _nothing(text)


def labelled(
    text: str,
    classes: Sequence[str],
    sets: Path | None = None,
    trained: Fingerprint | None = None,
) -> InferenceImages:
    """The images that `text` names, with their classes: one folder per class, a CSV, or a task.

    If a data set has parts, the test part. trained: see `unlabelled`. Raises BadInput for a class
    that is not in `classes`.
    """
    if is_task(text):
        source, names, description = _test(text, sets, trained)
        _check(text, names, classes)
        labels = [classes.index(names[label]) for label in source.labels.tolist()]
        return InferenceImages(source, _named(source, text), description, tuple(labels))
    path = folder_at(user_path(text))
    if path.is_dir():
        return _folder(path, classes)
    if path.suffix.lower() == ".csv":
        return _table(path, classes)
    raise _nothing(text)


def _folder(path: Path, classes: Sequence[str]) -> InferenceImages:
    top, passed = class_folders(path, set(classes))
    _check(str(path), [child.path.name for child in top.holding()], classes)
    files, labels = [], []
    for child in top.holding():
        own = [image.path for image in child.all_images]
        files += own
        labels += [classes.index(child.path.name)] * len(own)
    description, notes = f"{len(files):,} images in {top.path}", tuple(passed_over(passed))
    return InferenceImages(_files(files), _names(files, path), description, tuple(labels), notes)


def _table(path: Path, classes: Sequence[str]) -> InferenceImages:
    texts, rows, passed = tables.labelled(path, classes)
    _check(str(path), [row.label for row in rows], classes)
    tested = "test " if rows[0].part == "test" else ""
    description = f"{len(rows):,} {tested}images listed in {path}"
    labels = tuple(classes.index(row.label) for row in rows)
    files, notes = _files([row.file.path for row in rows]), tuple(passed_over(passed))
    return InferenceImages(files, tuple(texts), description, labels, notes)


def _names(files: Sequence[Path], path: Path) -> tuple[str, ...]:
    return tuple(file.relative_to(path).as_posix() for file in files)


def _check(where: str, names: Sequence[str], classes: Sequence[str]) -> None:
    """Raises BadInput for a name that is not a class of the model."""
    strange = next((name for name in names if name not in classes), None)
    if strange is not None and (twin := same_text(strange, classes)) is not None:
        raise BadInput(
            f"{where}: the class {strange!a} is {twin!a} in the model: rename it, since "
            "the two differ in their Unicode form"
        )
    if strange is not None:
        raise BadInput(
            f"{where}: {unknown('class', strange, classes)}; the model was not "
            "trained on this class"
        )


def is_task(text: str) -> bool:
    kinds = tuple(name.partition(":")[0] + ":" for name in YOURS)
    if text in all_tasks() or text.startswith(kinds):
        return True
    return not Path(text).exists() and is_given(text)


def as_split(text: str, trained: Fingerprint | None) -> Task:
    """The task, with the training's shares for validation and test, which a study may set."""
    task = find(text)
    given = (trained or {}).get("split")
    known = given if isinstance(given, (list, tuple)) else ()
    shares = [share for share in known if isinstance(share, float)]
    if task.divide is None or len(shares) != 2:  # the split of a model of fixed parts
        return task
    return task.divide(*shares)


def _test(
    text: str, sets: Path | None, trained: Fingerprint | None
) -> tuple[Source, Sequence[str], str]:
    """The test split of a task, and the names of its classes."""
    task, place = as_split(text, trained), sets or DATA
    task.fingerprint(place)  # raises BadInput for missing data
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

    return Files(paths, torch.zeros(len(paths), dtype=torch.int64))


def _nothing(text: str) -> BadInput:
    if Path(text).exists():
        return BadInput(
            f"--data {text}: give a folder of images (or an archive of one), a CSV that lists "
            "them, or a task"
        )
    known = ", ".join(all_tasks())
    return BadInput(f"--data {text}: there is no such folder, CSV or task (tasks: {known})")

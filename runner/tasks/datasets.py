"""Data sets of torch and of Hugging Face as parts of labelled images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from runner.images.written import Labelled
from tricks.errors import BadInput, unknown


@runtime_checkable
class Dataset(Protocol):
    """Images and labels by index, as in data sets of torch and Hugging Face."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: int, /) -> Any: ...


AnyDataset: TypeAlias = "Dataset | Sequence[tuple[Any, Any]]"


def labelled(
    dataset: AnyDataset, names: Sequence[str] = (), column: str = ""
) -> Iterator[Labelled]:
    """The images of `dataset` with the names of their classes.

    names: of numeric classes; by default the data set's own names. column: of the labels of a
    Hugging Face data set, if several columns are possible. Raises BadInput for any other kind of
    data set.
    """
    if hasattr(dataset, "features") and hasattr(dataset, "cast_column"):
        yield from _of_hugging_face(dataset, names, column)
        return
    held = getattr(dataset, "classes", None)
    own = tuple(map(str, held)) if isinstance(held, (list, tuple)) else ()
    known = _class_names(names, own)
    for place in range(len(dataset)):
        try:
            item = dataset[place]
        except BadInput:
            raise
        except Exception as error:  # of the data set's own code
            told = next(iter(str(error).splitlines()), "")
            raise BadInput(f"item {place}: {type(error).__name__}: {told}") from error
        if not isinstance(item, (tuple, list)) or len(item) < 2:
            raise BadInput(f"item {place} is {type(item).__name__}, not (image, label)")
        yield item[0], _name(item[1], known)


def columns_of(features: Mapping[str, Any], column: str = "") -> tuple[str, str]:
    """The columns of images and of labels (a ClassLabel) of a Hugging Face data set.

    Raises BadInput if there is none, and if there are several and `column` does not choose.
    """
    kinds = {name: type(feature).__name__ for name, feature in features.items()}
    images = [name for name, kind in kinds.items() if kind == "Image"]
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
    shown = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
    if len(images) != 1:
        raise BadInput(f"{len(images)} columns of images, where one is needed: {shown}")
    if column:
        if column not in labels:
            raise unknown("column of labels (ClassLabel)", column, labels)
        return images[0], column
    usual = [name for name in labels if name in ("label", "labels")]
    if len(labels) != 1 and len(usual) != 1:
        some = f"several columns of labels: add #{labels[0]} to the name" if labels else (
            "no column of labels that is a ClassLabel: dataset.class_encode_column makes one"
        )  # fmt: skip
        raise BadInput(f"{some}; it has {shown}")
    return images[0], (usual or labels)[0]


def _of_hugging_face(dataset: Any, names: Sequence[str], column: str) -> Iterator[Labelled]:
    import datasets

    image, label = columns_of(dataset.features, column)
    known = _class_names(names, dataset.features[label].names)
    encoded = dataset.cast_column(image, datasets.Image(decode=False))
    for place in range(len(encoded)):
        row = encoded[place]
        yield _content(row[image], place), _name(row[label], known)


def _content(image: Any, place: int) -> bytes:
    """The bytes of an undecoded image of a Hugging Face data set."""
    held, path = (image or {}).get("bytes"), (image or {}).get("path")
    if held is not None:
        return bytes(held)
    if path is None:
        raise BadInput(f"item {place} has no image: remove it")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"item {place}: {path}: cannot be read: {error.strerror}") from error


def _class_names(given: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """The given names of the classes, or the data set's own names, where a repeated name is told
    apart by the number of its class: two classes of ImageNet are called crane.

    Raises BadInput if two of the given names are equal: they would become one class.

    >>> _class_names((), ("crane", "ox", "crane"))
    ('crane (0)', 'ox', 'crane (2)')
    """
    if len(set(given)) < len(given):
        twice = next(name for name in given if given.count(name) > 1)
        raise BadInput(f"two classes are called {twice!r}: rename one")
    count = Counter(own)
    numbered = (f"{name} ({i})" if count[name] > 1 else name for i, name in enumerate(own))
    return tuple(given) or tuple(numbered)


def _name(label: Any, names: Sequence[str]) -> str:
    """The name of a class that is given as a number or as a name."""
    if isinstance(label, str):
        return label
    try:
        number = label.item() if hasattr(label, "item") else label
    except (ValueError, RuntimeError):  # an array of several numbers
        number = None
    if isinstance(number, bool) or not isinstance(number, int):
        shown = " ".join(repr(label).split())[:80]
        raise BadInput(f"a label is {shown}: give the number of its class, or its name")
    if number < 0 or (names and number >= len(names)):
        raise BadInput(f"a label is {number}, but there are {len(names)} classes, from 0")
    return names[number] if names else str(number)


def without_labels(dataset: Any, column: str) -> bool:
    """Whether a part of a Hugging Face data set hides its labels: all are -1."""
    _, label = columns_of(dataset.features, column)
    found: Iterable[int] = dataset[label]
    return len(dataset) > 0 and all(value == -1 for value in found)

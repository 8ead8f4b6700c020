"""Predictions as a CSV: the usual columns, or the columns that a competition requires."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from runner.records.csv_text import written
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.inference.inference_inputs import Answers

Cell = str | int | float


@dataclass(frozen=True)
class Predicted:
    """One image: its name, the place of its predicted class, the probability of each class."""

    path: str
    place: int
    shares: Sequence[float]


Column = tuple[str, Callable[[Predicted], Cell]]  # header, and the cell of an image
USUAL = "path,class,probability,probabilities"
ALL = "probabilities"  # a column for each class


def columns(text: str, names: Sequence[str]) -> list[Column]:
    """The columns of `text`: `HEADER=VALUE` or `VALUE`, separated by commas.

    names: of the classes. Values: path, name (of the file), stem (name without ending), class,
    number (of the class, from 0), probability (of the class), p_CLASS, and probabilities (p_CLASS
    of all classes; a HEADER replaces the prefix `p_`, as in `=probabilities`). Raises BadInput for
    another value, or a repeated header.
    """
    found: list[Column] = []
    for part in (piece.strip() for piece in text.split(",")):
        header, equals, value = (piece.strip() for piece in part.partition("="))
        value = value if equals else header
        if value == ALL:
            before = header if equals else "p_"
            found += [(f"{before}{name}", _share(i)) for i, name in enumerate(names)]
            continue
        found.append((header if equals else value, _cell(value, names)))
    headers = [header for header, _ in found]
    twice = next((header for header in headers if headers.count(header) > 1), None)
    if twice is not None:
        raise BadInput(f"--columns: two columns are called {twice!r}: rename one")
    return found


def table(answers: Answers, text: str = USUAL) -> bytes:
    """The predictions as a CSV, one row per image, with the columns of `text`; see `columns`."""
    chosen = columns(text, answers.cards[0].names)
    rows: list[list[Cell]] = [[header for header, _ in chosen]]
    for path, shares in zip(
        answers.images.paths, answers.logs.double().exp().tolist(), strict=True
    ):
        image = Predicted(path, max(range(len(shares)), key=shares.__getitem__), shares)
        rows.append([cell(image) for _, cell in chosen])
    return written(rows)


def _share(place: int) -> Callable[[Predicted], Cell]:
    return lambda image: image.shares[place]


def _cell(value: str, names: Sequence[str]) -> Callable[[Predicted], Cell]:
    plain: dict[str, Callable[[Predicted], Cell]] = {
        "path": lambda image: image.path,
        "name": lambda image: PurePath(image.path).name,
        "stem": lambda image: PurePath(image.path).stem,
        "class": lambda image: names[image.place],
        "number": lambda image: image.place,
        "probability": lambda image: image.shares[image.place],
    }
    own = {f"p_{name}": _share(i) for i, name in enumerate(names)}
    known = {**own, **plain}
    if value not in known:
        raise BadInput(f"--columns: {unknown('value', value, [*plain, ALL, *own])}")
    return known[value]

"""Images with their labels, parts and groups, as a folder or a CSV of the user's has them."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from runner.images.content import digests
from runner.images.walk import ImageFile, Passed
from tricks.errors import BadInput


class Row(NamedTuple):
    """One image. part: train, val, test, or "" to be split; group: "" where none was asked for."""

    file: ImageFile
    label: str
    part: str = ""
    group: str = ""


@dataclass(frozen=True)
class Listed:
    """What is trained and tested on, with what was found and not used.

    place: the folder or the CSV. notes: lines about how it was read. group_by: the column of the
    groups, or "". offers: columns that could be it. leaks: a line for each file in two parts.
    """

    place: Path
    rows: tuple[Row, ...]
    passed: tuple[Passed, ...] = ()
    notes: tuple[str, ...] = ()
    group_by: str = ""
    offers: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()

    @cached_property
    def classes(self) -> dict[str, int]:
        """Class -> its images, by name."""
        return dict(sorted(Counter(row.label for row in self.rows).items()))

    @cached_property
    def parts(self) -> dict[str, int]:
        """Part -> its images, in the order in which they come."""
        return dict(Counter(row.part for row in self.rows))

    @cached_property
    def digests(self) -> list[str]:
        """Of what each image's file holds. Raises BadInput naming a file that cannot be read."""
        return digests(self.place, [row.file for row in self.rows])

    @property
    def paths(self) -> list[Path]:
        return [row.file.path for row in self.rows]


def once(
    rows: Sequence[Row], where: Callable[[int], str]
) -> tuple[tuple[Row, ...], tuple[Passed, ...], tuple[str, ...]]:
    """`rows` with each file once a part, those passed over, and a line for each in two parts.

    where: how a message names a row. Raises BadInput for a file that has two labels or two groups.
    """
    first: dict[tuple[tuple[int, int], str], int] = {}
    any_part: dict[tuple[int, int], int] = {}
    kept, passed, leaked = [], [], []
    for i, row in enumerate(rows):
        if row.file.key[1] == 0:  # a file system without inodes
            kept.append(row)
            continue
        other = any_part.setdefault(row.file.key, i)
        for mine, its in ((row.label, rows[other].label), (row.group, rows[other].group)):
            if mine != its:
                raise BadInput(
                    f"{where(i)}: the same image as {where(other)}, but {mine!r}, not {its!r}"
                )
        if row.part != rows[other].part:
            both = f"{rows[other].part} and in {row.part}"
            leaked.append(f"{where(i)}: the same image as {where(other)}, both in {both}")
        if first.setdefault((row.file.key, row.part), i) != i:
            passed.append(Passed(row.file.path, "the same image again"))
        else:
            kept.append(row)
    return tuple(kept), tuple(passed), tuple(leaked)


def spelled_alike(labels: Sequence[str]) -> tuple[str, ...]:
    """A note on classes whose names differ in case, spaces, or how a number is written, alone."""
    seen: dict[str, str] = {}
    for label in labels:
        plain = "".join(label.lower().split())
        with contextlib.suppress(ValueError):
            plain = str(float(plain))
        other = seen.setdefault(plain, label)
        if other != label:
            return (f"the classes {other!r} and {label!r} are spelled alike: two classes?",)
    return ()

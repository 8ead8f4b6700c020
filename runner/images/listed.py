"""Images with their labels, parts and groups, as listed by the user's folder or CSV."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from runner.images.content import digests
from runner.images.file_list import ImageFiles, Paths
from runner.images.rows import Rows
from runner.images.walk import Passed
from runner.text import counted
from tricks.errors import BadInput

# What programs write for a missing value, in lower case.
MISSING = ("nan", "<na>", "na", "n/a", "#n/a", "null", "none")


@dataclass(frozen=True)
class Listed:
    """The images to train and test on, and files that were found but not used.

    place: the folder or the CSV. notes: lines about how it was read. group_by: the column of the
    groups, or "". offers: columns that could be groups. leaks: a line for each file in two parts.
    """

    place: Path
    rows: Rows
    passed: tuple[Passed, ...] = ()
    notes: tuple[str, ...] = ()
    group_by: str = ""
    offers: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()

    @cached_property
    def classes(self) -> dict[str, int]:
        """Class -> number of its images, sorted by name."""
        return dict(sorted(self.rows.labels.counts().items()))

    @cached_property
    def parts(self) -> dict[str, int]:
        """Part -> number of its images, in the order of the rows."""
        return self.rows.parts.counts()

    @cached_property
    def digests(self) -> np.ndarray:
        """The digest of each image's file, S32 (N,).

        Raises BadInput naming a file that cannot be read.
        """
        return digests(self.place, self.rows.files)

    @cached_property
    def first_copy(self) -> np.ndarray:
        """For each image, the place of the first image with the same bytes, int64 (N,)."""
        words = np.ascontiguousarray(self.digests).view(np.uint64).reshape(len(self.rows), -1)
        order = np.lexsort(words.T)
        other = np.ones(len(order), bool)
        other[1:] = (words[order][1:] != words[order][:-1]).any(1)
        first = np.empty(len(order), np.int64)
        first[order] = order[other][np.cumsum(other) - 1]
        return first

    @property
    def paths(self) -> Paths:
        return self.rows.files.paths


def once(
    rows: Rows, where: Callable[[int], str]
) -> tuple[np.ndarray, tuple[Passed, ...], tuple[str, ...]]:
    """Rows to keep, so that each file is there once per part; skipped files; lines on leaks.

    A mask (N,); and a line for each file in two parts.

    where: the name of a row in messages. Raises BadInput for a file with two labels or two groups.
    """
    first: dict[tuple[tuple[int, int], str], int] = {}
    any_part: dict[tuple[int, int], int] = {}
    kept, passed, leaked = np.ones(len(rows), bool), [], []
    for i in _named_twice(rows.files):
        row = rows[i]
        other = any_part.setdefault(row.file.key, i)
        for mine, its in ((row.label, rows[other].label), (row.group, rows[other].group)):
            if mine != its:
                raise BadInput(
                    f"{where(i)}: the same image as {where(other)}, but {mine!r} instead of "
                    f"{its!r}: remove one of the two"
                )
        if row.part != rows[other].part:
            both = f"{rows[other].part} and in {row.part}"
            leaked.append(f"{where(i)}: the same image as {where(other)}, both in {both}")
        if first.setdefault((row.file.key, row.part), i) != i:
            passed.append(Passed(row.file.path, "the same image again"))
            kept[i] = False
    return kept, tuple(passed), tuple(leaked)


def _named_twice(files: ImageFiles) -> list[int]:
    """The places of files that have another name in `files`, in order."""
    device, inode = files.column("device"), files.column("inode")
    order = np.lexsort((inode, device))
    same = (device[order][1:] == device[order][:-1]) & (inode[order][1:] == inode[order][:-1])
    same &= inode[order][1:] != 0  # a file system without inodes
    return sorted({*order[1:][same].tolist(), *order[:-1][same].tolist()})


def odd_labels(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Notes on labels that may be spelling mistakes or missing values. counts: label -> images."""
    return (*_spelled_alike(sorted(counts)), *_missing(counts))


def same_text(label: str, others: Iterable[str]) -> str | None:
    r"""The label among `others` that differs from `label` only in its Unicode form.

    macOS may write é as e and an accent, other systems as one character.

    >>> same_text("caf\u00e9", ["cafe", "cafe\u0301"]) == "cafe\u0301"
    True
    """
    plain = unicodedata.normalize("NFC", label)
    forms = (other for other in others if other != label)
    return next((other for other in forms if unicodedata.normalize("NFC", other) == plain), None)


def _spelled_alike(labels: Iterable[str]) -> tuple[str, ...]:
    """A note on classes that differ only in case, spaces, Unicode form, or a number's spelling."""
    seen: dict[str, str] = {}
    for label in labels:
        plain = "".join(unicodedata.normalize("NFC", label).lower().split())
        with contextlib.suppress(ValueError):
            plain = str(float(plain))
        other = seen.setdefault(plain, label)
        if other != label:
            show = ascii if same_text(label, [other]) else repr
            pair = f"{show(other)} and {show(label)}"
            return (f"the classes {pair} are spelled alike: are they two classes?",)
    return ()


def _missing(counts: Mapping[str, int]) -> tuple[str, ...]:
    """A note on labels that programs write for a missing value."""
    found = [label for label in counts if label.lower() in MISSING]
    return tuple(
        f"{counted(counts[label], 'image')} of the class {label!r}: leave these images out if "
        "their labels are missing"
        for label in found
    )

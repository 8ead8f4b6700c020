"""Rows of images with labels, parts and groups, in arrays. A Row is made only when needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np

from runner.images.file_list import NONE, ImageFile, ImageFiles


class Row(NamedTuple):
    """One image. part: train, val, test, or "" (to be split). group: "" without --group-by."""

    file: ImageFile
    label: str
    part: str = ""
    group: str = ""


class Piece(NamedTuple):
    """Images of one label and one part."""

    files: ImageFiles
    label: str
    part: str


@dataclass(frozen=True, eq=False)
class Words:
    """A word for each row. codes: the word's place in `kinds`, int32 (N,)."""

    codes: np.ndarray
    kinds: tuple[str, ...]

    @classmethod
    def of(cls, words: Sequence[str], counts: Sequence[int] | int = 1) -> Words:
        """`words`, each repeated as often as `counts` says."""
        known: dict[str, int] = {}
        codes = [known.setdefault(word, len(known)) for word in words]
        return cls(np.repeat(np.array(codes, np.int32), counts), tuple(known))

    def __getitem__(self, row: int) -> str:
        return self.kinds[self.codes[row]]

    def take(self, index: np.ndarray) -> Words:
        return Words(self.codes[index], self.kinds)

    def counts(self) -> dict[str, int]:
        """Word -> number of its rows, in the order of first rows."""
        kinds, first, counts = np.unique(self.codes, return_index=True, return_counts=True)
        return {self.kinds[kinds[i]]: int(counts[i]) for i in np.argsort(first)}

    def among(self, *words: str) -> np.ndarray:
        """Which rows have one of `words`, bool (N,)."""
        return np.isin(self.codes, [i for i, kind in enumerate(self.kinds) if kind in words])


@dataclass(frozen=True, eq=False)
class Rows(Sequence[Row]):
    """The rows of a folder or a CSV."""

    files: ImageFiles
    labels: Words
    parts: Words
    groups: Words

    @classmethod
    def joined(cls, pieces: Sequence[Piece]) -> Rows:
        """The images of all pieces, in turn."""
        counts = [len(piece.files) for piece in pieces]
        files = ImageFiles.joined([piece.files for piece in pieces]) if pieces else NONE
        labels = Words.of([piece.label for piece in pieces], counts)
        parts = Words.of([piece.part for piece in pieces], counts)
        return cls(files, labels, parts, Words.of([""], len(files)))

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> Rows: ...

    def __getitem__(self, place: int | slice) -> Row | Rows:
        if isinstance(place, slice):
            return self.take(np.arange(len(self))[place])
        return Row(self.files[place], self.labels[place], self.parts[place], self.groups[place])

    def __iter__(self) -> Iterator[Row]:
        return (self[i] for i in range(len(self)))

    def take(self, index: np.ndarray) -> Rows:
        """The rows at these places, or where a mask is true."""
        columns = (column.take(index) for column in (self.labels, self.parts, self.groups))
        return Rows(self.files.take(index), *columns)

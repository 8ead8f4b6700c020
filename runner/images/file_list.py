"""Millions of image files: names and sizes in arrays; paths are made only when needed."""

from __future__ import annotations

import itertools
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np


class ImageFile(NamedTuple):
    """An image on the disk."""

    path: Path
    size: int  # bytes
    changed: int  # nanoseconds since the epoch: last change of content, name or rights
    key: tuple[int, int]  # device and inode: the same for two names of one file


class FileTable:
    """A row of numbers and the name's bytes for each file; a walk appends files."""

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self._numbers: dict[Path, int] = {}  # folder -> place in `folders`
        self._names, self._ends = bytearray(), array("q")
        self.folder = array("q")
        self.size, self.changed = array("q"), array("q")
        self.device, self.inode = array("Q"), array("Q")

    def __len__(self) -> int:
        return len(self.size)

    def append(self, folder: Path, name: str, size: int, changed: int, key: tuple[int, int]) -> int:
        """Note a file in `folder`. Returns its place in the table."""
        place = self._numbers.setdefault(folder, len(self.folders))
        if place == len(self.folders):
            self.folders.append(folder)
        self.folder.append(place)
        self._names += os.fsencode(name)
        self._ends.append(len(self._names))
        self.size.append(size)
        self.changed.append(changed)
        self.device.append(key[0])
        self.inode.append(key[1])
        return len(self.size) - 1

    def name(self, place: int) -> bytes:
        """The file's name in its folder."""
        start = self._ends[place - 1] if place else 0
        return bytes(self._names[start : self._ends[place]])

    def path(self, place: int) -> Path:
        return self.folders[self.folder[place]] / os.fsdecode(self.name(place))


@dataclass(frozen=True, eq=False)
class ImageFiles(Sequence[ImageFile]):
    """Some files of a table, in an order. places: of each file in the table, int64 (N,)."""

    table: FileTable
    places: np.ndarray

    @classmethod
    def of(cls, files: Iterable[ImageFile]) -> ImageFiles:
        """The files as ImageFiles, in a new table if they are in none yet."""
        if isinstance(files, ImageFiles):
            return files
        table = FileTable()
        for file in files:
            table.append(file.path.parent, file.path.name, file.size, file.changed, file.key)
        return cls(table, np.arange(len(table)))

    @classmethod
    def joined(cls, parts: Sequence[ImageFiles]) -> ImageFiles:
        """The files of all `parts`, one after the other."""
        tables = {id(part.table) for part in parts if len(part)}
        if len(tables) > 1:
            return cls.of(file for part in parts for file in part)
        some = [part for part in parts if len(part)]
        return cls(some[0].table, np.concatenate([p.places for p in some])) if some else NONE

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, place: int) -> ImageFile: ...

    @overload
    def __getitem__(self, place: slice) -> ImageFiles: ...

    def __getitem__(self, place: int | slice) -> ImageFile | ImageFiles:
        if isinstance(place, slice):
            return self.take(np.arange(len(self))[place])
        held, at = self.table, int(self.places[place])
        key = held.device[at], held.inode[at]
        return ImageFile(held.path(at), held.size[at], held.changed[at], key)

    def __iter__(self) -> Iterator[ImageFile]:
        return (self[i] for i in range(len(self)))

    def take(self, index: np.ndarray) -> ImageFiles:
        """The files at these places, or where a mask is true."""
        return ImageFiles(self.table, self.places[index])

    @property
    def paths(self) -> Paths:
        return Paths(self)

    def column(self, name: str) -> np.ndarray:
        """size, changed, device, inode or folder of each: (N,)."""
        held = getattr(self.table, name)
        return np.frombuffer(held, np.dtype(held.typecode))[self.places] if held else _EMPTY

    def names(self, folders: Sequence[bytes]) -> Iterator[bytes]:
        """Each file's name with the prefix that `folders` has for its folder."""
        held, table = self.table.folder, self.table
        return (folders[held[i]] + table.name(i) for i in self.places.tolist())

    def order(self) -> np.ndarray:
        """Places in the order of sorted paths: folders are compared name by name."""
        folders = self.table.folders
        ranked = sorted(range(len(folders)), key=lambda i: folders[i].parts)
        rank = np.empty(max(1, len(folders)), np.int64)
        rank[ranked] = np.arange(len(ranked))
        nested = any(
            folders[a].parts == folders[b].parts[: len(folders[a].parts)]
            for a, b in itertools.pairwise(ranked)
        )
        if nested:  # a folder's own files are sorted among the files of its subfolders
            return np.array(sorted(range(len(self)), key=lambda i: self[i].path.parts), np.int64)
        by_folder = np.argsort(rank[self.column("folder")], kind="stable")
        of = self.column("folder")[by_folder]
        bounds = [0, *(np.flatnonzero(np.diff(of)) + 1).tolist(), len(of)]
        for start, end in itertools.pairwise(bounds):
            some = by_folder[start:end].tolist()
            some.sort(key=lambda i: os.fsdecode(self.table.name(int(self.places[i]))))
            by_folder[start:end] = some
        return by_folder

    def ordered(self) -> ImageFiles:
        """The files sorted by path."""
        return self.take(self.order())


class Paths(Sequence[Path]):
    """The paths of files."""

    def __init__(self, files: ImageFiles) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    @overload
    def __getitem__(self, place: int) -> Path: ...

    @overload
    def __getitem__(self, place: slice) -> Paths: ...

    def __getitem__(self, place: int | slice) -> Path | Paths:
        if isinstance(place, slice):
            return Paths(self.files[place])
        return self.files.table.path(int(self.files.places[place]))

    def __iter__(self) -> Iterator[Path]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Paths, list, tuple)) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def take(self, index: np.ndarray) -> Paths:
        """The paths at these places."""
        return Paths(self.files.take(index))


_EMPTY = np.zeros(0, np.int64)
NONE = ImageFiles(FileTable(), _EMPTY)

"""index.csv: the main columns of many records in one file. Derived: it may be deleted.

It has one line of JSON per column, so that a reader reads only the columns that it needs. The
second line has the place and hash of each column, and the first line the hash of the second. An
index that does not verify is ignored. An entry is valid only while its record's file has the same
size and time of change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from runner.records import atomic_write
from runner.records.record import COLUMNS, TEXT, WHOLE

ROW = ("state", "seed", *COLUMNS)
HEADER = ("id", "size", "changed", *ROW)
LARGEST_TEST_SET = 2_000  # images: for more, the bits of right and wrong are only in the records
_WHOLE = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]  # the range of integers in tables
_MAGIC = "# tricks-bench index 2 "

Columns = dict[str, list[Any]]  # of equal length


class Entry(NamedTuple):
    """A row, with the size (bytes) and time of change (ns) of its record's file."""

    size: int
    changed: int
    row: dict[str, Any]


class _Place(NamedTuple):
    """The place of a column after the first two lines, in bytes, and its SHA-256."""

    name: str
    start: int
    length: int
    digest: str


def load(path: Path) -> dict[str, Entry] | None:
    """Entries by id; None if there is no index, or if it does not verify."""
    try:
        columns = _columns(atomic_write.read(path), HEADER)
    except (OSError, ValueError):
        return None
    found = zip(columns["size"], columns["changed"], rows(columns).values(), strict=True)
    return dict(zip(columns["id"], map(Entry._make, found), strict=True))


def rows(columns: Columns) -> dict[str, dict[str, Any]]:
    """Id -> its row, the cells of the columns ROW."""
    cells = zip(*(columns[name] for name in ROW), strict=True)
    return {
        id: dict(zip(ROW, row, strict=True)) for id, row in zip(columns["id"], cells, strict=True)
    }


def read(path: Path, names: Iterable[str] = HEADER) -> Columns:
    """The columns `names`; empty columns if there is no index, or if it does not verify."""
    names = dict.fromkeys(names)
    try:
        return _columns(atomic_write.read(path), names)
    except (OSError, ValueError):
        return {name: [] for name in names}


def of_another_version(path: Path) -> bool:
    """Whether `path` is a valid index with other columns than today's, to be built again."""
    try:
        return tuple(_places(atomic_write.read(path))[0]) != HEADER
    except (OSError, ValueError):
        return False


def _places(data: bytes) -> tuple[dict[str, _Place], int]:
    """The places of the columns, and the start of the first. Raises ValueError for other data."""
    head = data.find(b"\n") + 1
    body = data.find(b"\n", head) + 1
    contents = data[head:body]
    if data[:head].decode(errors="replace") != _head(contents):
        raise ValueError("its checksum does not match")
    return {p.name: p for p in msgspec.json.decode(contents, type=list[_Place])}, body


def _columns(data: bytes, names: Iterable[str]) -> Columns:
    """The columns `names`. Raises ValueError for data that are no index, or were changed."""
    places, body = _places(data)
    if tuple(places) != HEADER:
        raise ValueError("other columns")
    whole = memoryview(data)
    columns: Columns = {}
    for name in names:
        _, start, length, digest = places[name]
        line = whole[body + start : body + start + length]
        if hashlib.sha256(line).hexdigest() != digest:
            raise ValueError(f"the checksum of {name} does not match")
        columns[name] = msgspec.json.decode(line, type=list[_kind(name)])  # type: ignore[misc]
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError("columns of several lengths")
    return columns


def save(path: Path, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write the index, with all columns of HEADER. Raises OSError.

    With two writers the last one wins; both write correct data.
    """
    places, lines, start = [], [], 0
    for name in HEADER:
        line = msgspec.json.encode(columns[name]) + b"\n"
        places.append(_Place(name, start, len(line), hashlib.sha256(line).hexdigest()))
        lines.append(line)
        start += len(line)
    contents = msgspec.json.encode(places) + b"\n"
    atomic_write.replace(path, b"".join([_head(contents).encode(), contents, *lines]), sync=False)


def left_out(row: Mapping[str, Any]) -> bool:
    """Whether the index leaves out `correct` of this row, so that the record must be read."""
    return (row["test_images"] or 0) > LARGEST_TEST_SET


def _head(contents: bytes) -> str:
    return f"{_MAGIC}{hashlib.sha256(contents).hexdigest()}\n"


def _kind(column: str) -> Any:
    if column in ("id", "size", "changed"):
        return str if column == "id" else int
    return str | None if column in TEXT else _WHOLE | None if column in WHOLE else float | None

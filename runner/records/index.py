"""index.csv: the main columns of many records in one file. Derived; anyone may delete it.

Its first line carries the checksum of the rest; an index that does not verify is no index. A row
counts only while its record's file has the size and time of change that the row was made from.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from runner.records import durable
from runner.records.record import COLUMNS, TEXT, WHOLE

HEADER = ("id", "size", "changed", "state", "seed", *COLUMNS)
LARGEST_TEST_SET = 2_000  # images: above, the bits of right and wrong stay in the records only
_MAGIC = "# tricks-bench index 1 "


class Entry(NamedTuple):
    """A row, and the size (bytes) and time of change (ns) of the file it was made from."""

    size: int
    changed: int
    row: dict[str, Any]


def load(path: Path) -> dict[str, Entry]:
    """Entries by id; empty if there is no index, or one that does not verify."""
    try:
        return _entries(_body(path))
    except (OSError, ValueError, csv.Error):
        return {}


def verifies(path: Path) -> bool:
    """Whether the index at `path` can be used."""
    try:
        _entries(_body(path))
    except (OSError, ValueError, csv.Error):
        return False
    return True


def _body(path: Path) -> bytes:
    """The lines under the checksum. Raises OSError, ValueError."""
    head, _, body = durable.read(path).partition(b"\n")
    if head.decode(errors="replace") != _MAGIC + hashlib.sha256(body).hexdigest():
        raise ValueError("its checksum does not match")
    return body


def _entries(body: bytes) -> dict[str, Entry]:
    """Entries by id. Raises ValueError, csv.Error for what is no index."""
    lines = csv.reader(io.StringIO(body.decode(), newline=""))
    if tuple(next(lines, ())) != HEADER:
        raise ValueError("other columns")
    parse = [_parser(column) for column in HEADER[3:]]
    return {
        id: Entry(
            int(size),
            int(changed),
            {
                column: convert(cell) if cell else None
                for column, convert, cell in zip(HEADER[3:], parse, cells, strict=True)
            },
        )
        for id, size, changed, *cells in lines
    }


def save(path: Path, entries: Mapping[str, Entry]) -> None:
    """Write the index. Raises OSError; two writers: the last one wins, and both are right."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(HEADER)
    for id, (size, changed, row) in entries.items():
        lines.writerow([id, size, changed, *(_cell(column, row) for column in HEADER[3:])])
    body = text.getvalue().encode()
    head = _MAGIC + hashlib.sha256(body).hexdigest() + "\n"
    durable.replace(path, head.encode() + body, sync=False)


def left_out(row: Mapping[str, Any]) -> bool:
    """Whether the index leaves out `correct` of this row, so that the record must be read."""
    return (row["test_images"] or 0) > LARGEST_TEST_SET


def _cell(column: str, row: Mapping[str, Any]) -> Any:
    return None if column == "correct" and left_out(row) else row[column]


def _parser(column: str) -> Callable[[str], Any]:
    return str if column in TEXT else int if column in WHOLE else float

"""A CSV's rows, read as strictly as by pandas, each with its line number."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tricks.errors import BadInput


@dataclass(frozen=True)
class Table:
    """A CSV with a header. rows: cells without surrounding spaces. lines: where rows begin."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]

    def column(self, name: str) -> list[str]:
        """The cells of a column."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def where(self, row: int) -> str:
        """The row's file and line, for messages."""
        return f"{self.path}, line {self.lines[row]}"

    def one_of(self, known: Sequence[str]) -> str:
        """The only column with a name in `known`, in any case. Raises BadInput for none or two."""
        found = [name for name in self.columns if name.lower() in known]
        if len(found) == 1:
            return found[0]
        held = f"has {', '.join(self.columns)}"
        what = f"columns {' and '.join(found)} could both be it" if found else held
        raise BadInput(f"{self.path}: needs one column called {known[0]} (or {known[1]}): {what}")


def read_table(path: Path) -> Table:
    """The CSV at `path`, separated by commas. Raises BadInput naming the line of a mistake.

    Bytes that are not UTF-8 are allowed in file names; `readable` refuses them in other columns.
    """
    rows, lines, start = [], [], 1
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as text:
            reader = csv.reader(text, strict=True)
            columns: tuple[str, ...] = ()
            while (cells := next(reader, None)) is not None:
                row = tuple(cell.strip() for cell in cells)
                if columns and any("\0" in cell for cell in row):
                    raise BadInput(
                        f"{path}, line {start}: a cell has a null byte: save the file as CSV UTF-8"
                    )
                if columns and row and row != ("",):
                    _check_width(f"{path}, line {start}", row, columns)
                    rows.append(row + ("",) * (len(columns) - len(row)))
                    lines.append(start)
                elif row and row != ("",):
                    columns = _header(path, row)
                start = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"{path}, line {start}: cannot be read as a CSV: {error}") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read as a CSV: {error.strerror or error}") from error
    if not rows:
        raise BadInput(f"{path}: there are no rows below the header")
    return Table(path, columns, tuple(rows), tuple(lines))


def readable(table: Table, name: str) -> list[str]:
    """The cells of a column that must be text. Raises BadInput for a cell that is not UTF-8."""
    cells = table.column(name)
    for i, cell in enumerate(cells):
        if not cell.isascii() and any("\ud800" <= c <= "\udfff" for c in cell):
            raise BadInput(f"{table.where(i)}: {name} is not UTF-8: save the file as CSV UTF-8")
    return cells


def _header(path: Path, row: tuple[str, ...]) -> tuple[str, ...]:
    if len(row) == 1 and (";" in row[0] or "\t" in row[0]):
        raise BadInput(f"{path}: {row[0]!r} is one column: separate columns by commas")
    if any("\0" in name for name in row):  # UTF-16, as Excel's "Unicode text"
        raise BadInput(f"{path}: cannot be read as a CSV: save it as CSV UTF-8")
    twice = next((name for name in row if name and row.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"{path}: two columns are called {twice}: rename one")
    return row


def _check_width(where: str, row: tuple[str, ...], columns: tuple[str, ...]) -> None:
    if len(row) > len(columns):
        raise BadInput(
            f"{where}: {len(row)} cells below {len(columns)} columns: put a cell that has a comma "
            'into quotes ("…")'
        )

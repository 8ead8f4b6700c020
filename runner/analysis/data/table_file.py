"""A file with a table, as text: CSV, JSON, JSON lines or parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from runner.analysis.data.nested import as_columns
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.json_values import JsonValue

JSON = (".json", ".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")
ENDINGS = (".csv", *JSON, *PARQUET)
DEEP = "it is nested too deeply for a table of runs"
LISTS = ("runs", "data", "rows", "results", "trials")  # keys of the list of runs in a JSON file


def read_table(path: str | Path) -> pd.DataFrame:
    """The table as text with blank cells as ""; its index is line numbers. Raises BadInput."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file") from None
    except OSError as error:
        raise BadInput(f"{path}: not readable: {error.strerror or error}") from None
    if start.startswith(b"PAR1"):
        return _parquet(path)
    if path.suffix.lower() in JSON or start.startswith((b'{"', b"[{", b"[\n")):
        return _json(path)
    if path.suffix.lower() in PARQUET:
        raise BadInput(f"{path}: not a readable parquet file")
    return _csv(path)


def as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Every cell as text; missing cells are ""."""
    cells = table.astype(object).map(lambda cell: "" if _blank(cell) else str(cell))
    cells.columns = pd.Index([str(name).strip() for name in table.columns])
    return cells


def _blank(cell: JsonValue) -> bool:
    return cell is None or bool(pd.api.types.is_scalar(cell) and pd.isna(cell))


def _parquet(path: Path) -> pd.DataFrame:
    try:
        found = pd.read_parquet(path)
    except ImportError:
        raise BadInput(
            f"{path}: reading parquet needs pyarrow: pip install pyarrow, or give a CSV"
        ) from None
    except Exception as error:  # pyarrow's own exception types
        raise BadInput(f"{path}: not a readable parquet file: {error}") from None
    rows = [dict(zip(map(str, found.columns), row, strict=True)) for row in found.values.tolist()]
    return _of_rows(path, rows, range(1, len(rows) + 1))


def _json(path: Path) -> pd.DataFrame:
    """A table from a list of objects, an object of columns, or one object per line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not readable JSON: its text is not UTF-8") from None
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        return _of_rows(path, *_json_lines(path, text))
    except RecursionError:
        raise BadInput(f"{path}: {DEEP}") from None
    if isinstance(whole, dict):
        whole = next((whole[k] for k in LISTS if isinstance(whole.get(k), list)), whole)
    if isinstance(whole, dict) and whole and all(isinstance(x, list) for x in whole.values()):
        lengths = {len(column) for column in whole.values()}
        if len(lengths) > 1:
            raise BadInput(f"{path}: the columns of this JSON differ in length")
        whole = [dict(zip(whole, row, strict=True)) for row in zip(*whole.values(), strict=True)]
    elif isinstance(whole, dict):
        whole = [whole]
    if not (isinstance(whole, list) and all(isinstance(row, dict) for row in whole)):
        raise BadInput(f"{path}: this JSON is no table: give a list of objects, one per run")
    return _of_rows(path, whole, range(1, len(whole) + 1))


def _json_lines(path: Path, text: str) -> tuple[list[dict[str, JsonValue]], list[int]]:
    rows, lines = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadInput(f"{path}, line {number}: not readable JSON: {error.msg}") from None
        except RecursionError:
            raise BadInput(f"{path}, line {number}: {DEEP}") from None
        if not isinstance(row, dict):
            raise BadInput(f"{path}, line {number}: not a JSON object; give one object per run")
        rows.append(row)
        lines.append(number)
    return rows, lines


def _of_rows(
    path: Path, rows: Sequence[dict[str, JsonValue]], lines: Sequence[int]
) -> pd.DataFrame:
    if not rows:
        raise BadInput(f"{path}: the file has no rows: one row per run is needed")
    try:
        table = as_text(pd.DataFrame([as_columns(row) for row in rows], dtype=object))
    except RecursionError:
        raise BadInput(f"{path}: {DEEP}") from None
    table.index = pd.Index(lines)
    return table


def _csv(path: Path) -> pd.DataFrame:
    try:
        # header=None keeps the names: pandas would rename a second `a` to `a.1`.
        lines = pd.read_csv(
            path, header=None, dtype=str, keep_default_na=False, skipinitialspace=True,
            encoding="utf-8-sig",
        )  # fmt: skip
    except pd.errors.EmptyDataError:
        raise BadInput(f"{path}: the file is empty") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not a readable CSV: its text is not UTF-8") from None
    except (pd.errors.ParserError, OSError) as error:
        _check_separator(path)
        raise BadInput(f"{path}: not a readable CSV: {str(error).splitlines()[0]}") from None
    _check_separator(path)
    lines = lines.fillna("")
    names = [str(c).strip() or f"unnamed: {i}" for i, c in enumerate(lines.iloc[0])]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise BadInput(f"{path}: two columns are called {twice!r}")
    table = lines.iloc[1:]
    table.columns = pd.Index(names)
    table.index = table.index + 1  # line numbers of the file; the header is line 1
    if not len(table):
        raise BadInput(f"{path}: a header without rows: one row per run is needed")
    return table


def _check_separator(path: Path) -> None:
    """Raises BadInput if the header has a separator other than commas."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            header = next((line for line in file if line.strip()), "")
    except OSError:
        return
    other = next((x for x in (";", "\t", "|") if x in header), None)
    if other is not None and "," not in header:
        raise BadInput(
            f"{path}: its columns are separated by {other!r}, not by commas (and numbers need a "
            "point, 90.1)"
        )

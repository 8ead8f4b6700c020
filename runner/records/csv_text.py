"""Tables as CSV bytes, with cells that a spreadsheet does not run as formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import pandas

CsvValue: TypeAlias = str | float | None
# The beginnings of cells that a spreadsheet runs.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def csv_bytes(frame: pandas.DataFrame, digits: int = 10) -> bytes:
    """CSV bytes, with numbers to `digits` significant digits, and whole numbers without a point."""
    frame = frame.rename(columns=escaped)
    for column in frame:
        if frame[column].dtype == "float64":
            frame[column] = [None if v != v else f"{v:.{digits}g}" for v in frame[column]]
        elif frame[column].dtype != "int64":
            frame[column] = [escaped(v) if isinstance(v, str) else v for v in frame[column]]
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text.encode(errors="backslashreplace")


def written(rows: Iterable[Sequence[CsvValue]]) -> bytes:
    """Rows as CSV bytes, numbers to 6 significant digits, texts safe for spreadsheets."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    for row in rows:
        lines.writerow([_written(value) for value in row])
    return text.getvalue().encode(errors="backslashreplace")  # file names need not be UTF-8


def _written(value: CsvValue) -> CsvValue:
    if isinstance(value, str):
        return escaped(value)
    return f"{value:.6g}" if isinstance(value, float) else value


def escaped(text: str) -> str:
    """`text`, changed so that a spreadsheet does not run it; plain numbers stay unchanged."""
    if not text.startswith(FORMULA) and not (text.startswith("'") and unescaped(text) != text):
        return text
    try:
        float(text)
    except ValueError:
        return "'" + text
    return text


def unescaped(text: str) -> str:
    """The inverse of `escaped`."""
    rest = text.lstrip("'")
    return text[1:] if text.startswith("'") and rest.startswith(FORMULA) else text

"""Runs that other tools made, one row a run, as an experiment: a CSV, or a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from runner.analysis.data.experiment import Experiment
from runner.analysis.data.runs_table import from_table
from tricks.errors import BadInput


def from_csv(
    path: str | Path,
    factors: Sequence[str] | None = None,
    metric: str = "accuracy",
    test_images: int | None = None,
    reference: Mapping[str, str] | None = None,
) -> Experiment:
    """An experiment from a CSV with one row a run: factor columns, a metric column, maybe more.

    factors: the factor columns; by default every column that is not the metric, not bookkeeping
    (seed, seconds, device, status ...), not constant and no words of each row's own. The
    reference of a factor is 0, off, none or the like, else its smallest number, else the first
    level in the file.
    test_images: the size of the test set, where the file has no column of that name.
    reference: factor -> level that takes the place of the reference above.
    Raises BadInput, one line, for a file or column that cannot be used.
    """
    return from_table(_read(path), str(path), metric, factors, test_images, reference)


def from_frame(
    frame: pd.DataFrame,
    factors: Sequence[str] | None = None,
    metric: str = "accuracy",
    test_images: int | None = None,
    reference: Mapping[str, str] | None = None,
) -> Experiment:
    """An experiment from a DataFrame with one row a run, by the rules of `from_csv`."""
    table = frame.reset_index(drop=True).map(lambda cell: "" if pd.isna(cell) else str(cell))
    table.columns = pd.Index([str(name).strip() for name in frame.columns])
    if not table.columns.is_unique:
        raise BadInput("the DataFrame has two columns of one name")
    if not len(table):
        raise BadInput("the DataFrame has no rows: one row a run is needed")
    return from_table(table, "the DataFrame", metric, factors, test_images, reference)


def _read(path: str | Path) -> pd.DataFrame:
    """The CSV as text, blank cells as "". Raises BadInput."""
    try:
        # With header=None the names are as they stand: pandas would rename a second `a` to `a.1`.
        lines = pd.read_csv(
            path, header=None, dtype=str, keep_default_na=False, skipinitialspace=True,
            encoding="utf-8-sig",
        )  # fmt: skip
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file") from None
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
    table = lines.iloc[1:].reset_index(drop=True)
    table.columns = pd.Index(names)
    if not len(table):
        raise BadInput(f"{path}: a header without rows: one row a run is needed")
    return table


def _check_separator(path: str | Path) -> None:
    """Raises BadInput for a file whose header has another separator than commas."""
    try:
        with Path(path).open(encoding="utf-8-sig", errors="replace") as file:
            header = next((line for line in file if line.strip()), "")
    except OSError:
        return
    other = next((x for x in (";", "\t", "|") if x in header), None)
    if other is not None and "," not in header:
        raise BadInput(
            f"{path}: its columns are separated by {other!r}, not by commas (and numbers need a "
            "point, 90.1)"
        )

"""Experiment: the runs of a study as a table, with the factors that were varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from runner.analysis.metrics import is_bookkeeping
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.analysis.answer import Analysis


@dataclass(frozen=True)
class Experiment:
    """Runs and what was varied between them.

    runs: one row a run; a column for each factor holds the level's name, the others are metrics
        and bookkeeping; `state`, where there is one, is "ok" for runs that finished.
    factors: name -> levels, the first being the reference (the baseline's).
    grid: the design's name; "" if it is to be read off the data.
    order: the factors in the order of a cumulative grid.
    reference: factor -> level of the arm with all on (leave-one-out); empty: read off the data.
    notes: remarks that belong beside every result.
    """

    runs: pd.DataFrame
    factors: Mapping[str, tuple[str, ...]]
    grid: str = ""
    order: tuple[str, ...] = ()
    reference: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def analyze(
        self, metric: str = "accuracy", estimand: str | None = None, negligible: float | None = None
    ) -> Analysis:
        """See `runner.analysis.answer.analyze`; here so that a report need not import upwards."""
        from runner.analysis.answer import analyze

        return analyze(self, metric, estimand, negligible)


def values(runs: pd.DataFrame, metric: str) -> pd.Series:
    """The metric as floats, NaN where a run has none. Raises BadInput for an unknown column."""
    if metric not in runs:
        numeric = [str(c) for c in runs.columns if pd.api.types.is_numeric_dtype(runs[c])]
        raise unknown("metric", metric, numeric or map(str, runs.columns))
    column = pd.to_numeric(runs[metric], errors="coerce").astype(float)
    return column.where(np.isfinite(column))


def succeeded(runs: pd.DataFrame) -> pd.Series:
    """Whether each run finished: True everywhere if there is no `state` column."""
    if "state" in runs:
        return runs["state"].astype(str).eq("ok")
    return pd.Series(True, index=runs.index)


def level_codes(runs: pd.DataFrame, factors: Mapping[str, tuple[str, ...]]) -> np.ndarray:
    """(runs, factors) level indices. Raises BadInput where a run has a level nobody declared."""
    codes = np.zeros((len(runs), len(factors)), dtype=np.int64)
    for j, (name, levels) in enumerate(factors.items()):
        if name not in runs:
            raise BadInput(f"the runs have no column for the factor {name!r}")
        column: Any = pd.Categorical(runs[name].astype(str), categories=list(levels))
        codes[:, j] = column.codes
        if (codes[:, j] < 0).any():
            stranger = runs[name].iloc[int(np.argmax(codes[:, j] < 0))]
            raise unknown(f"level of {name}", str(stranger), levels)
    return codes


MOST_LEVELS = 20  # a column of numbers with more distinct values is a measurement, not a factor
REFERENCES = ("off", "none", "baseline", "no", "false", "reference", "control", "default")


def from_csv(
    path: str | Path, factors: Sequence[str] | None = None, metric: str = "accuracy"
) -> Experiment:
    """An experiment from a CSV with one row a run: factor columns, a metric column, maybe more.

    factors: the factor columns; by default every column that is not the metric, not bookkeeping
    (seed, seconds, device, status ...) and not constant. The reference of a factor is 0, off, none
    or the like, else its smallest number, else the first level in the file.
    Raises BadInput, one line, for a file or column that cannot be used.
    """
    table = _read(path)
    if metric not in table:
        raise BadInput(f"{path}: {unknown('metric column', metric, map(str, table.columns))}")
    if "state" not in table and "status" in table:
        table["state"] = table["status"]
    if "state" in table:
        table["state"] = table["state"].str.strip().str.lower()
        table["state"] = table["state"].replace({"": "ok", "done": "ok", "success": "ok"})
    table[metric] = _numbers(path, table, metric)
    named = list(dict.fromkeys(factors)) if factors is not None else None
    for name in named or []:
        if name not in table:
            raise BadInput(f"{path}: {unknown('factor column', name, map(str, table.columns))}")
        if name == metric or is_bookkeeping(name):
            raise BadInput(f"{path}: {name!r} cannot be a factor: it is a metric or bookkeeping")
    candidates = named or [
        str(c) for c in table.columns if c != metric and not is_bookkeeping(str(c))
    ]
    levels: dict[str, tuple[str, ...]] = {}
    notes = []
    for name in candidates:
        table[name] = _level_names(path, table, name)
        found = _ordered(list(dict.fromkeys(table[name])))
        if len(found) > MOST_LEVELS and named is None:
            raise BadInput(
                f"{path}: column {name!r} has {len(found)} distinct values, too many for a factor: "
                "name the factor columns with --factors"
            )
        if len(found) > 1:
            levels[name] = found
        elif named is not None:
            raise BadInput(
                f"{path}: factor {name!r} is {found[0]!r} in every row: nothing to compare"
            )
        else:
            notes.append(f"Column {name} is {found[0]} in every row: not a factor.")
    if not levels:
        raise BadInput(f"{path}: no column varies that could be a factor: name them with --factors")
    for name in table.columns:
        if name not in levels and name not in (metric, "state", "status", "device"):
            numbers = pd.to_numeric(table[name], errors="coerce")
            if numbers.notna().any():
                table[name] = numbers
    return Experiment(table, levels, notes=tuple(notes))


def _read(path: str | Path) -> pd.DataFrame:
    """The CSV as text, blank cells as "". Raises BadInput."""
    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, skipinitialspace=True, encoding="utf-8-sig"
        )
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file") from None
    except pd.errors.EmptyDataError:
        raise BadInput(f"{path}: the file is empty") from None
    except (pd.errors.ParserError, UnicodeDecodeError, OSError) as error:
        raise BadInput(f"{path}: not a readable CSV: {str(error).splitlines()[0]}") from None
    table.columns = pd.Index([str(c).strip() for c in table.columns])
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise BadInput(f"{path}: two columns are called {twice!r}")
    if not len(table):
        raise BadInput(f"{path}: a header without rows: one row a run is needed")
    return table


def _numbers(path: str | Path, table: pd.DataFrame, metric: str) -> pd.Series:
    """The metric as floats; only rows whose state is not ok may lack it."""
    numbers = pd.to_numeric(table[metric], errors="coerce").astype(float)
    bad = ~np.isfinite(numbers) & succeeded(table)
    if bad.any():
        row = int(np.argmax(bad))
        raise BadInput(
            f"{path}, line {row + 2}, column {metric!r}: {table[metric].iloc[row]!r} is no number "
            "(give a run without one a `state` column saying diverged, or remove its row)"
        )
    return numbers.where(np.isfinite(numbers))


def _level_names(path: str | Path, table: pd.DataFrame, name: str) -> pd.Series:
    """Level names as text; numbers in one form, so that 1 and 1.0 are one level."""
    text = table[name].str.strip()
    blank = text.str.lower().isin(["", "nan", "na", "null"])
    if blank.any():
        row = int(np.argmax(blank))
        raise BadInput(f"{path}, line {row + 2}, column {name!r}: the level is missing")
    numbers = pd.to_numeric(text, errors="coerce")
    if numbers.notna().all():
        return numbers.astype(float).map(lambda x: f"{x:.12g}")
    return text


def _ordered(levels: list[str]) -> tuple[str, ...]:
    """The reference first, the others as numbers ascend or as they appear."""
    try:
        return tuple(sorted(levels, key=float))
    except ValueError:
        return tuple(sorted(levels, key=lambda level: level.lower() not in REFERENCES))

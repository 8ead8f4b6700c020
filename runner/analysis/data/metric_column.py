"""The metric of a table as numbers, and values that cannot be right."""

from __future__ import annotations

import numpy as np
import pandas as pd

from runner.analysis.data.experiment import succeeded
from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.registry import named
from tricks.errors import BadInput

LARGEST = 1e100  # of a metric: its squares are summed
NEAR = 5.0  # per cent: how far 100 × a fraction may lie from values in per cent next to it


def numbers(where: str, table: pd.DataFrame, metric: str) -> pd.Series:
    """The metric as floats; only rows whose state is not ok may lack it. `93.5%` is 93.5.

    The table's index is the lines of its file. Raises BadInput, with the line.
    """
    text = table[metric].str.strip()
    signed = text.str.endswith("%")
    found = pd.to_numeric(text.str.rstrip("% "), errors="coerce").astype(float)
    bad = ~np.isfinite(found) & succeeded(table)
    if bad.any():
        row = int(np.argmax(bad))
        raise BadInput(
            f"{_place(where, table, metric, row)}: {_cut(table, metric, row)!r} is no number "
            "(give a run without one a `state` column saying diverged, or remove its row)"
        )
    known = named(metric)
    if known.unit == "pp":
        _check_share(where, table, found, signed, known)
    large = found.abs() > LARGEST
    if large.any():
        row = int(np.argmax(large))
        raise BadInput(
            f"{_place(where, table, metric, row)}: {_cut(table, metric, row)} is too large to "
            f"compute with (at most {LARGEST:g}): give the column in another unit"
        )
    return found.where(np.isfinite(found))


def _check_share(
    where: str, table: pd.DataFrame, found: pd.Series, signed: pd.Series, metric: Metric
) -> None:
    """Raises BadInput for fractions where per cent are meant, and for what no per cent can be."""
    bare = found[~signed & found.notna()]
    # An error of less than 1 % is no rare thing: only of what should be large is it told.
    large = metric.share or metric.larger_is_better
    if large and len(bare) and bare.max() > 0 and bare.between(0, 1).all():
        if signed.any():
            row = int(np.argmax(~signed & found.notna()))
            place = _place(where, table, metric.name, row)
            raise BadInput(f"{place}: a fraction without a per cent sign beside values with one")
        raise BadInput(
            f"{where}, column {metric.name!r}: all values lie between 0 and 1, but per cent are "
            "expected: multiply them by 100"
        )
    beside = _fractions(found) & ~signed if large else np.zeros(len(found), dtype=bool)
    if np.any(beside):
        row = int(np.argmax(beside))
        raise BadInput(
            f"{_place(where, table, metric.name, row)}: {found.iloc[row]:g} looks like a fraction "
            "beside values in per cent: give all of them in per cent"
        )
    strange = (found < 0) | (found > 100)
    if strange.any():
        row = int(np.argmax(strange))
        raise BadInput(
            f"{_place(where, table, metric.name, row)}: {found.iloc[row]:g} is no per cent; a "
            "metric that is none goes by another name, with --metric"
        )


def _fractions(found: pd.Series) -> pd.Series:
    """Values below 1 that, times 100, are like those above 1.

    A collapsed arm of 0.1 % beside arms of 76 % is none.
    """
    small = (found > 0) & (found < 1)
    others = found[found > 1]
    if not len(others):
        return small & False
    return small & (100 * found).between(others.min() - NEAR, others.max() + NEAR)


def _place(where: str, table: pd.DataFrame, column: str, row: int) -> str:
    return f"{where}, line {table.index[row]}, column {column!r}"


def _cut(table: pd.DataFrame, column: str, row: int) -> str:
    """A cell, so that it fits into a line."""
    said = str(table[column].iloc[row])
    return said if len(said) <= 40 else f"{said[:39]}…"

"""The metric of a table as numbers, with checks for values that cannot be right."""

from __future__ import annotations

import numpy as np
import pandas as pd

from runner.analysis.data.experiment import succeeded
from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.registry import named
from tricks.errors import BadInput

LARGEST = 1e100  # largest value of a metric, so that sums of squares are finite
NEAR = 5.0  # per cent: largest distance of 100 × a fraction from the other values in per cent


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
            "(for a run without a value, add a column `state` with diverged, or remove its row)"
        )
    known = named(metric)
    if known.unit == "pp":
        _check_share(where, table, found, signed, known)
    elif signed.any() and np.any(bare := ~signed & np.isfinite(found)):
        row = int(np.argmax(bare))
        raise BadInput(
            f"{_place(where, table, metric, row)}: a value without a per cent sign beside "
            "values with one: give all of them in one unit"
        )
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
    """Raises BadInput for fractions instead of per cent, and for values that are no per cent."""
    bare = found[~signed & found.notna()]
    # An error rate below 1 % is common, so only metrics that should be large are checked.
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
            f"{_place(where, table, metric.name, row)}: {found.iloc[row]:g} is no value in per "
            "cent; for a metric in another unit use another name, with --metric"
        )


def _fractions(found: pd.Series) -> pd.Series:
    """Values below 1 that, times 100, are similar to the values above 1.

    A collapsed arm with 0.1 % beside arms with 76 % is no such value.
    """
    small = (found > 0) & (found < 1)
    others = found[found > 1]
    if not len(others):
        return small & False
    return small & (100 * found).between(others.min() - NEAR, others.max() + NEAR)


def _place(where: str, table: pd.DataFrame, column: str, row: int) -> str:
    return f"{where}, line {table.index[row]}, column {column!r}"


def _cut(table: pd.DataFrame, column: str, row: int) -> str:
    """The text of a cell, shortened to fit into a line."""
    said = str(table[column].iloc[row])
    return said if len(said) <= 40 else f"{said[:39]}…"

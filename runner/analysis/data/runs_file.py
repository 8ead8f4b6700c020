"""An experiment from runs of other tools: a file, or a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from runner.analysis.data.experiment import Experiment
from runner.analysis.data.runs_table import from_table
from runner.analysis.data.table_file import as_text, read_table
from tricks.errors import BadInput


def from_file(
    path: str | Path,
    factors: Sequence[str] | None = None,
    metric: str = "accuracy",
    test_images: int | None = None,
    reference: Mapping[str, str] | None = None,
    epoch: str = "last",
) -> Experiment:
    """An experiment from a table of runs: factor columns, a metric column, maybe more.

    The file is a CSV, JSON, JSON lines or parquet, with one row per run or one row per epoch.
    Exports of W&B, MLflow, Optuna and Ray are recognised by the names of their columns.
    factors: the factor columns. By default every column is a factor, except the metric, bookkeeping
    (seed, seconds, device, status ...), constants, and words that differ in every row. The
    reference of a factor is 0, off, none or a similar word, else its smallest number, else the
    first level in the file.
    test_images: the size of the test set, if the file has no column of that name.
    reference: factor -> level that replaces the reference above.
    epoch: "last" or "best" (by validation): the row that counts, if rows are epochs.
    Raises BadInput, one line, for a file or column that cannot be used.
    """
    return from_table(read_table(path), str(path), metric, factors, test_images, reference, epoch)


def from_frame(
    frame: pd.DataFrame,
    factors: Sequence[str] | None = None,
    metric: str = "accuracy",
    test_images: int | None = None,
    reference: Mapping[str, str] | None = None,
) -> Experiment:
    """An experiment from a DataFrame, by the rules of `from_file`; of epochs the last counts."""
    # A named index holds settings or seeds, as after groupby or set_index, or numbers the rows.
    named = [name for name in frame.index.names if name is not None and name not in frame]
    numbered = pd.api.types.is_numeric_dtype(frame.index) and frame.index.is_unique
    frame = frame.reset_index(level=named) if named and not numbered else frame
    table = as_text(frame.reset_index(drop=True))
    table.index = table.index + 2  # the line numbers that its CSV would have
    if not table.columns.is_unique:
        raise BadInput("the DataFrame has two columns with the same name")
    if not len(table):
        raise BadInput("the DataFrame has no rows: one row per run is needed")
    return from_table(table, "the DataFrame", metric, factors, test_images, reference)

"""The seeds of the runs in a table: one form, and rows that may be the same run or no run."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from runner.analysis.data.experiment import succeeded
from runner.analysis.data.level_names import number
from tricks.errors import BadInput

# Words in the seed column of rows that summarise other rows, as spreadsheets have them.
SUMMARIES = (
    "mean", "average", "avg", "median", "std", "sd", "stdev", "sem", "min", "max", "sum", "total",
    "all", "overall",
)  # fmt: skip
SAME = "counted as replicates: intervals are too narrow if they are the same runs."


def with_seeds(
    table: pd.DataFrame, where: str, factors: Iterable[str]
) -> tuple[pd.DataFrame, list[str]]:
    """The table with seeds in one form (1.0 is 1), and notes on rows that may be the same run.

    If successful runs lack a seed, the column is left out. Raises BadInput for a row that
    summarises others.
    """
    ended = succeeded(table)
    if "seed" not in table:
        return table, _said(table[ended].duplicated(), "another row in every column")
    words = table["seed"].str.strip()
    summary = words.str.casefold().isin(SUMMARIES)
    if summary.any():
        row = int(np.argmax(summary))
        raise BadInput(
            f"{where}, line {table.index[row]}, column 'seed': {words.iloc[row]!r} is no seed, so "
            "this row seems to summarise other rows: remove it, since each row counts as a run"
        )
    blank = words.str.casefold().isin(["", "nan", "na", "none", "null"])
    lacking = int((blank & ended).sum())
    if lacking:
        said = f"{lacking} row{'s have' if lacking > 1 else ' has'} no seed: seeds are not used."
        return table.drop(columns="seed"), [said]
    table = table.assign(seed=words.map(lambda text: number(text) or text).mask(blank))
    again = table[ended].duplicated([*factors, "seed"])
    return table, _said(again, "an arm with the same seed")


def _said(repeats: pd.Series, what: str) -> list[str]:
    count = int(repeats.sum())
    return [f"{count} row{'s repeat' if count > 1 else ' repeats'} {what}, {SAME}"] * bool(count)

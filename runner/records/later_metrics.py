"""Add a metric's column that records lack: a plug-in's metric, or a metric newer than the runs.

It is computed only for the requested metric, as the usual table reads no predictions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from runner.analysis.metrics.predictions import Predictions
from runner.analysis.metrics.registry import VALIDATION_PREFIX, known, value_of
from runner.records.record_schema import Record

if TYPE_CHECKING:
    import pandas

Read = Callable[[str], Record | None]  # id -> its record
Said = Callable[[Record], Predictions | None]  # record -> predictions on test images


def with_metric(
    runs: pandas.DataFrame, metric: str, read: Read, said: Said = lambda record: None
) -> pandas.DataFrame:
    """`runs` (see `table`) with the column `metric`, as far as records or predictions have it.

    Values on test images come from the record, or else from predictions. Values on validation
    images come only from the record, since no predictions on them are kept. Without any value the
    table stays unchanged. Raises BadInput if a plug-in's metric fails.
    """
    import numpy as np

    fine = runs["state"].eq("ok").to_numpy()
    lacking = fine & (runs[metric].isna().to_numpy() if metric in runs else True)
    metrics = known()
    split, name = "test", metric
    if name not in metrics and name.startswith(VALIDATION_PREFIX):
        split, name = "validation", name.removeprefix(VALIDATION_PREFIX)
    computed = name in metrics and metrics[name].compute is not None
    if not lacking.any() or (metric in runs and not computed):
        return runs
    column = runs[metric].to_numpy(dtype=float, copy=True) if metric in runs else None
    for place in np.flatnonzero(lacking):
        record = read(runs["id"].iloc[place])
        value = record and ((record.metrics or {}).get(split) or {}).get(name)
        if record and value is None and computed and split == "test":
            predictions = said(record)
            value = None if predictions is None else value_of(metrics[name], predictions)
        if value is not None:
            column = np.full(len(runs), np.nan) if column is None else column
            column[place] = value
    return runs if column is None else runs.assign(**{metric: column})

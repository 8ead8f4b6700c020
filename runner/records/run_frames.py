"""A study's records as data frames: one row per run, and one row per epoch."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from runner.records.index import LARGEST_TEST_SET
from runner.records.later_metrics import with_metric
from runner.records.record import COLUMNS, FAILED, TEXT
from runner.records.record_schema import Record
from runner.records.rows import column, uncollected
from runner.records.store import Store
from runner.records.studies import StoredStudy

if TYPE_CHECKING:
    import pandas

CURVES = ("loss", "val_loss", "val_accuracy", "probe_accuracy", "lr")
NORMS = ("grad_norm", "grad_norm_max")  # further columns, if some run clipped its gradients


@uncollected()
def table(store: Store, stored: StoredStudy, metric: str | None = None) -> pandas.DataFrame:
    """One row per planned run that has a record, in planned order.

    Columns: id, state, seed; in a tuned study also stage and the tuned field; the factors (level
    names); then `record.COLUMNS`, in per cent, seconds and MB. Missing values are NaN or None.
    metric: a column to complete, or to add: see `later_metrics`.
    """
    import numpy as np
    import pandas as pd

    names = ("state", *COLUMNS)
    ids = stored.column("id")
    held = store.columns(names, ids)
    places = dict(zip(held["id"], itertools.count()))
    found = list(map(places.get, ids))
    here = [place is not None for place in found]
    columns: dict[str, Any] = {"id": (), "state": None}  # in this order
    for name in stored.columns:
        columns[name] = list(itertools.compress(column(stored.runs, name), here))
    where = np.array(list(itertools.compress(found, here)), dtype=np.intp)
    for name in names:
        columns[name] = np.array(held[name], dtype=object if name in TEXT else float)[where]
    for place in np.flatnonzero(columns["test_images"] > LARGEST_TEST_SET):
        record = store.record(columns["id"][place])  # the bits are not in the index
        columns["correct"][place] = record.correct if record else None
    frame = typed(pd.DataFrame(columns))
    if metric is None:
        return frame
    return with_metric(frame, stored.asked.meant(metric), store.record, store.predictions)


def typed(frame: pandas.DataFrame) -> pandas.DataFrame:
    """`frame` with numbers as floats, even if all values are missing; seeds are integers."""
    numbers = {name: "float64" for name in COLUMNS if name not in TEXT and name in frame}
    return frame.astype({**numbers, "seed": "int64"})


def epoch_frame(records: Iterable[Record]) -> pandas.DataFrame:
    """One row per epoch of each record: id, epoch (from 1), `CURVES`, `NORMS` if any has them."""
    import pandas as pd

    columns: dict[str, list[Any]] = {name: [] for name in ("id", "epoch", *CURVES, *NORMS)}
    for record in records:
        lines = record.epochs or ()
        columns["id"] += [record.id] * len(lines)
        for name in ("epoch", *CURVES, *NORMS):
            columns[name] += [getattr(line, name) for line in lines]
    frame = pd.DataFrame(columns)
    numbers = dict.fromkeys((*CURVES, *NORMS), "float64")
    return measured(frame.astype({"epoch": "int64", **numbers}))


def measured(frame: pandas.DataFrame) -> pandas.DataFrame:
    """`frame` without empty columns of `NORMS`."""
    return frame.drop(columns=[name for name in NORMS if frame[name].isna().all()])


def spread(stored: StoredStudy, runs: pandas.DataFrame, most: int) -> list[str]:
    """Ids of at most `most` of the `runs` (see `table`), as a sample of all, in their order.

    Runs with an error and the first run of each arm are taken first, then others spread evenly over
    the list.
    """
    import numpy as np

    runs = runs.drop_duplicates("id")
    names = stored.columns[2:]
    wanted = ~runs.duplicated(names) if names else runs["id"].eq("")
    wanted |= runs["state"].isin(FAILED)
    first, rest = np.flatnonzero(wanted)[:most], np.flatnonzero(~wanted)
    count = min(most - len(first), len(rest))
    even = rest[np.linspace(0, len(rest) - 1, count).astype(int)] if count else rest[:0]
    return list(runs["id"].iloc[np.sort(np.concatenate([first, even]))])

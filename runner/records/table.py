"""A study's records as frames: one row a run, and one row an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.records.index import left_out
from runner.records.record import COLUMNS, TEXT
from runner.records.store import Store
from runner.records.studies import StudyFile

if TYPE_CHECKING:
    import pandas

CURVES = ("loss", "val_loss", "val_accuracy", "probe_accuracy", "lr")


def table(store: Store, study: StudyFile) -> pandas.DataFrame:
    """One row per planned run that has a record, in the order planned.

    Columns: id, state, seed, of a tuned study also stage and the tuned field, the factors (level
    names), then `record.COLUMNS`; per cent, seconds, MB; what a run did not leave is missing (NaN,
    None).
    """
    import pandas as pd

    held = store.rows(study.ids)
    rows = []
    for run in study.runs:
        values = held.get(run["id"])
        if values is None:
            continue
        if left_out(values):
            record = store.read(run["id"])
            values = {**values, "correct": record.get("correct") if record else None}
        rows.append({**values, **run})
    columns = ["id", "state", *study.columns[1:], *COLUMNS]
    return typed(pd.DataFrame(rows, columns=columns))


def typed(frame: pandas.DataFrame) -> pandas.DataFrame:
    """`frame` with numbers as floats, whatever is missing; seeds are whole."""
    numbers = {name: "float64" for name in COLUMNS if name not in TEXT and name in frame}
    return frame.astype({**numbers, "seed": "int64"})


def curves(store: Store, study: StudyFile) -> pandas.DataFrame:
    """One row per epoch of each run that has a record: id, epoch (from 1) and `CURVES`."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for id in study.ids:
        record = store.read(id)
        for epoch in (record or {}).get("epochs") or ():
            rows.append({"id": id, "epoch": epoch["epoch"], **{k: epoch.get(k) for k in CURVES}})
    frame = pd.DataFrame(rows, columns=["id", "epoch", *CURVES])
    return frame.astype({"epoch": "int64", **dict.fromkeys(CURVES, "float64")})

"""Tables with one row per epoch: finding the rows of each run, and the row that counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from runner.analysis.data.tracker_columns import EPOCHS, RUNS, has
from runner.analysis.metrics.guess import words
from runner.analysis.metrics.registry import named as metric_of
from runner.designs.reserved import is_bookkeeping
from tricks.errors import BadInput, unknown

WHICH = ("last", "best")
VALIDATION_WORDS = ("val", "valid", "validation", "eval", "dev")
# All words in other names of the present epoch. Settings have other words: warmup_epoch, swa_epoch.
EPOCH_WORDS = frozenset((
    "epoch", "ep", "train", "training", "trainer", *VALIDATION_WORDS, "test", "current", "cur",
    "idx", "index", "id", "no", "number", "i", "count", "counter", "progress",
))  # fmt: skip


@dataclass(frozen=True)
class Histories:
    """Rows as epochs: the column of the epoch, and the columns that identify a run."""

    epoch: str
    key: tuple[str, ...]


def one_row_a_run(
    table: pd.DataFrame, where: str, metric: str, factors: Sequence[str] | None, which: str
) -> tuple[pd.DataFrame, list[str], frozenset[str]]:
    """The row of each run that counts, notes, and the columns that change within runs.

    A table with one row per run is returned unchanged. which: "last" or "best", by validation.
    Raises BadInput if rows look like epochs and no column identifies the runs.
    """
    if which not in WHICH:
        raise unknown("--epoch", which, WHICH)
    found = _histories(table, where, metric, factors or ())
    if found is None:
        return table, [], frozenset()
    key = list(found.key)
    changing = table.drop(columns=key).groupby([table[k] for k in key], sort=False).nunique()
    aside = {str(c) for c in changing.columns[(changing > 1).any()]} | {found.epoch}
    at = pd.to_numeric(table[found.epoch], errors="coerce")
    rows = table.assign(_at=at).sort_values("_at", kind="stable")
    there = rows[metric].str.strip() != ""
    counted = rows[there | ~rows.groupby(key)[metric].transform(_any)]
    notes = []
    if which == "best":
        column, larger = _validation(table, where, metric)
        score = pd.to_numeric(counted[column].str.rstrip(" %"), errors="coerce")
        order = score if larger else -score
        counted = counted.assign(_score=order).sort_values(["_score", "_at"], na_position="first")
        said = f"its best by {column}"
        if column == metric:
            said += ", which favours luck: the same values are used to choose and to compare"
    else:
        said = "its last one with a value"
    kept = counted.groupby(key, sort=False).tail(1)
    ends = pd.to_numeric(rows.groupby(key)["_at"].max())
    last = f"{ends.max():g}" if ends.nunique() == 1 else f"{ends.min():g} to {ends.max():g}"
    notes.append(
        f"Rows are epochs: {len(table):,} rows are {len(kept):,} runs (told apart by "
        f"{', '.join(key)}), each with one row for each {found.epoch}, up to {last}. Of each run "
        f"{said} counts (--epoch last or best)."
    )
    kept = kept.drop(columns=["_at", "_score"], errors="ignore").sort_index()
    return kept, notes, frozenset(aside)


def _is_epoch(column: str) -> bool:
    parts = set(words(column))
    return bool(parts & {"epoch", "ep"}) and parts <= EPOCH_WORDS


def _any(cells: pd.Series) -> bool:
    return bool((cells.str.strip() != "").any())


def _histories(
    table: pd.DataFrame, where: str, metric: str, named: Collection[str]
) -> Histories | None:
    epochs = [c for c in has(table, EPOCHS) if c not in named and table[c].nunique() > 1]
    epochs = [c for c in epochs if pd.to_numeric(table[c], errors="coerce").notna().all()]
    runs = [c for c in has(table, RUNS) if c not in named]
    # Beside the ids of runs, other names of epochs are safe: ep, train/epoch, epoch_idx.
    other = [str(c) for c in table.columns if c not in (*named, *epochs) and _is_epoch(str(c))]
    other = [c for c in other if pd.to_numeric(table[c], errors="coerce").notna().all()]
    for epoch in [*epochs, *other]:
        for run in runs:
            if table[run].duplicated().any() and not table.duplicated([run, epoch]).any():
                return Histories(epoch, (run,))
    for epoch in epochs:
        key = _key(table, metric, named, epoch, runs)
        if key:
            return Histories(epoch, tuple(key))
    for epoch in epochs:
        first = pd.to_numeric(table[epoch]) == pd.to_numeric(table[epoch]).min()
        if 1 < int(first.sum()) < len(table) / 2:
            raise BadInput(
                f"{where}: rows seem to be epochs (column {epoch!r}), and no column identifies the "
                "runs: add a column `run`, or name the factors with --factors"
            )
    return None


def _key(
    table: pd.DataFrame, metric: str, named: Collection[str], epoch: str, runs: list[str]
) -> list[str] | None:
    """Columns that identify runs without an id: settings, seed, number of the replicate."""
    own = [c for c in table.columns if str(c).casefold() in ("seed", "replicate", "rep", "fold")]
    settings = list(named) or [
        str(c) for c in table.columns
        if c not in (metric, epoch, *runs, *own, *has(table, EPOCHS))
        and not is_bookkeeping(str(c)) and not looks_measured(table[c])
    ]  # fmt: skip
    key = [*settings, *own, *runs]
    if not key or table.duplicated([*key, epoch]).any():
        return None
    at = pd.to_numeric(table[epoch]).groupby([table[k] for k in key])
    whole = bool((at.size() > 1).all()) and at.min().nunique() == 1
    return key if whole else None


def looks_measured(column: pd.Series) -> bool:
    """Whether a column looks like a measurement: fractions that differ in most rows."""
    numbers = pd.to_numeric(column.str.rstrip("% "), errors="coerce")
    known = numbers[numbers.notna()]
    return bool(len(known) and (known % 1 != 0).any() and known.nunique() > len(column) / 2)


def _validation(table: pd.DataFrame, where: str, metric: str) -> tuple[str, bool]:
    """The column that decides the best epoch, and whether more of it is better."""

    def validates(column: str) -> bool:
        return bool(set(words(column)) & set(VALIDATION_WORDS))

    columns = (
        [metric] if validates(metric) else [str(c) for c in table.columns if validates(str(c))]
    )
    directed = [(c, metric_of(c).larger_is_better) for c in columns]
    ordered = sorted((c for c in directed if c[1] is not None), key=lambda c: not c[1])
    if not ordered:
        raise BadInput(
            f"{where}: --epoch best needs a validation column (val_accuracy, val_loss ...) with a "
            "known better direction, and there is none"
        )
    return ordered[0][0], bool(ordered[0][1])

"""An experiment from a table of text, one row per run: finds factors and refuses errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from runner.analysis.data.epoch_rows import looks_measured, one_row_a_run
from runner.analysis.data.experiment import Experiment
from runner.analysis.data.level_names import folded, level_names, number, ordered, with_reference
from runner.analysis.data.metric_column import numbers
from runner.analysis.data.repeats import repeated
from runner.analysis.data.run_states import with_states
from runner.analysis.data.seeds import with_seeds
from runner.analysis.data.tracker_columns import IDS, column, has, is_aside, plain
from runner.analysis.metrics import registry as metrics
from runner.analysis.metrics.guess import names_metric
from runner.designs.reserved import is_bookkeeping
from tricks.errors import BadInput, unknown

MOST_LEVELS = 20  # a column of numbers with more distinct values is a measurement, not a factor
FEW = 8  # in a table with at most so many rows, distinct numbers may be levels
LOSSES = ("loss", "train_loss")  # names of metrics that settings may have, too

Levels = dict[str, tuple[str, ...]]


def from_table(
    table: pd.DataFrame,
    where: str,
    metric: str,
    factors: Sequence[str] | None = None,
    test_images: int | None = None,
    reference: Mapping[str, str] | None = None,
    epoch: str = "last",
) -> Experiment:
    """An experiment from cells of text; the table's index is the line numbers of the file.

    where: names the table in messages. See `from_file`.
    """
    named = plain(table, where)
    metric_column = column(metric, named.table, "metric column", where, "--metric names it")
    table = named.table.rename(columns={metric_column: metric})
    if factors is not None:
        factors = [column(name, table, "factor column", where) for name in factors]
    if test_images is not None:
        table = _with_number_of_images(where, table, metric, test_images)
    table, notes = with_states(table, where)
    table, said, changing = one_row_a_run(table, where, metric, factors, epoch)
    notes += said
    _check_ids(table, where)
    table[metric] = numbers(where, table, metric)
    kept = [c for c in named.settings or map(str, table.columns) if c in table]
    candidates = [c for c in kept if c != metric and c not in changing and not _aside(c)]
    table, levels, said = _factors(table, where, metric, candidates, factors)
    notes += said
    notes += _metrics_in_words(table)
    for name, level in (reference or {}).items():
        if name not in levels:
            raise BadInput(f"{where}: {unknown('factor', name, levels)}")
        levels[name] = with_reference(where, name, levels[name], level)
    if not levels:
        raise BadInput(
            f"{where}: no column varies that could be a factor: name factors with --factors"
        )
    table, said = with_seeds(table, where, levels)
    notes += said
    table = table.reset_index(drop=True)
    for name in table.columns:
        if name not in levels and name not in (metric, "state", "device"):
            values = pd.to_numeric(table[name], errors="coerce")
            words = values.isna() & table[name].notna()
            if values.notna().any() and not (name == "seed" and words.any()):
                table[name] = values
    return Experiment(table, levels, notes=tuple(notes))


def _check_ids(table: pd.DataFrame, where: str) -> None:
    """Raises BadInput if a run's id is in two rows of the same study and stage."""
    counts = table[table["state"].isin(["ok", "diverged"])] if "state" in table else table
    stages = [name for name in ("stage",) if name in table]
    for name in has(table, IDS):
        given = counts[counts[name].str.strip() != ""]
        keys = list(given[[name, *stages]].itertuples(index=False, name=None))
        again = repeated(keys, list(given.index))
        if again is not None:
            key, rows = again
            id = key[0] if isinstance(key, tuple) else key
            raise BadInput(
                f"{where}: {rows} have the same {name}, {id}: one run would count as several. "
                "Remove all but one row, or remove the column if it is no run id"
            )


def _metrics_in_words(table: pd.DataFrame) -> list[str]:
    """Notes on columns that are metrics by their names, and have words such as bce and focal."""
    known = [name for name in has(table, LOSSES) if 1 < table[name].nunique() <= MOST_LEVELS]
    return [
        f"Column {name} is no factor, since its name is that of a metric. It has words: if it is a "
        f"setting, rename it ({name}_fn)."
        for name in known
        if not any(number(text) for text in table[name].astype(str).str.strip())
    ]


def _aside(name: str) -> bool:
    return is_bookkeeping(name) or is_aside(name)


def _factors(
    table: pd.DataFrame,
    where: str,
    metric: str,
    candidates: Sequence[str],
    factors: Sequence[str] | None,
) -> tuple[pd.DataFrame, Levels, list[str]]:
    """The table with level names as cells, factor -> levels (named or found), and notes."""
    named = list(dict.fromkeys(factors)) if factors is not None else None
    for name in named or []:
        if name == metric or is_bookkeeping(name):
            raise BadInput(f"{where}: {name!r} cannot be a factor: it is a metric or bookkeeping")
    levels: Levels = {}
    notes = []
    if named is None:
        candidates, measured = _without_measurements(table, candidates)
        if measured:
            notes.append(f"Not factors, since they look like measurements: {', '.join(measured)}.")
    for name in named or candidates:
        if named is None and not table[name].str.strip().any():
            notes.append(f"Column {name} is blank in every row: not a factor.")
            continue
        text = level_names(where, table, name, hint=named is None)
        column = folded(text)
        table = table.assign(**{name: column})
        if not column.equals(text):
            kept = ", ".join(dict.fromkeys(column))
            notes.append(f"Column {name}: levels that differ only in case are merged: {kept}.")
        found = ordered(list(column.unique()))
        if len(found) > MOST_LEVELS and named is None:
            raise BadInput(
                f"{where}: column {name!r} has {len(found)} distinct values, too many for a "
                "factor: name the factor columns with --factors"
            )
        if len(found) > 1:
            levels[name] = found
        elif named is not None:
            raise BadInput(
                f"{where}: factor {name!r} is {found[0]!r} in every row: nothing to compare"
            )
        else:
            notes.append(f"Column {name} is {found[0]} in every row: not a factor.")
    if named is None:
        notes += _leave_out_remarks(where, levels, len(table))
    return table, levels, notes


def _without_measurements(
    table: pd.DataFrame, candidates: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Candidates that may be factors, and columns whose number differs in every row (losses)."""
    few = len(table) <= FEW
    measured = [
        name
        for name in candidates
        if looks_measured(table[name]) and not (few and not names_metric(name))
    ]
    return [name for name in candidates if name not in measured], measured


def _with_number_of_images(
    where: str, table: pd.DataFrame, metric: str, images: int
) -> pd.DataFrame:
    """The table with the column `test_images`. Raises BadInput if it cannot be right."""
    if images < 1:
        raise BadInput(f"--test-images is the number of test images, at least 1, not {images}")
    if not metrics.named(metric).share:
        raise BadInput(f"--test-images is for accuracies in per cent; {metric!r} is no accuracy")
    if "test_images" in table:
        raise BadInput(f"{where} has a column test_images already: leave out --test-images")
    return table.assign(test_images=str(images))


def _leave_out_remarks(where: str, levels: Levels, rows: int) -> list[str]:
    """Remove columns of words that differ in every row from `levels`; returns notes on them."""
    words = [
        name
        for name, found in levels.items()
        if len(found) == rows > 2 and not all(map(number, found))
    ]
    if len(words) > 1 and len(words) == len(levels):
        raise BadInput(
            f"{where}: columns {', '.join(words)} are different in every row: name the factor "
            "columns with --factors"
        )
    if len(words) == len(levels):
        return []
    for name in words:
        del levels[name]
    return [
        f"Column {name} is different in every row: not a factor (--factors names factors)."
        for name in words
    ]

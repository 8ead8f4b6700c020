"""A table of text, one row a run, as an experiment: what is a factor, and what cannot be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from runner.analysis.data.experiment import Experiment, succeeded
from runner.analysis.metrics import registry as metrics
from runner.designs.reserved import is_bookkeeping
from tricks.errors import BadInput, unknown

MOST_LEVELS = 20  # a column of numbers with more distinct values is a measurement, not a factor
LARGEST = 1e100  # of a metric: its squares are summed
STATES = ("ok", "diverged", "failed", "infra")
REFERENCES = ("off", "none", "baseline", "no", "false", "reference", "control", "default")

Levels = dict[str, tuple[str, ...]]


def from_table(
    table: pd.DataFrame,
    where: str,
    metric: str,
    factors: Sequence[str] | None = None,
    test_images: int | None = None,
    reference: Mapping[str, str] | None = None,
) -> Experiment:
    """An experiment from cells of text; `where` names the table in messages. See `from_csv`."""
    if metric not in table:
        said = unknown("metric column", metric, map(str, table.columns))
        raise BadInput(f"{where}: {said} (--metric names it)")
    if test_images is not None:
        _number_of_images(where, table, metric, test_images)
    if "state" not in table and "status" in table:
        table["state"] = table["status"]
    if "state" in table:
        table["state"] = _states(where, table["state"])
    table[metric] = _numbers(where, table, metric)
    levels, notes = _factors(table, where, metric, factors)
    for name, level in (reference or {}).items():
        if name not in levels:
            raise BadInput(f"{where}: {unknown('factor', name, levels)}")
        levels[name] = _first(where, name, levels[name], level)
    if not levels:
        raise BadInput(
            f"{where}: no column varies that could be a factor: name them with --factors"
        )
    if "seed" in table:
        again = int(table.duplicated([*levels, "seed"]).sum())
        if again:
            notes.append(
                f"{again} row{'s repeat' if again > 1 else ' repeats'} an arm with the same seed, "
                "counted as replicates: intervals are too narrow if they are the same runs."
            )
    for name in table.columns:
        if name not in levels and name not in (metric, "state", "status", "device"):
            numbers = pd.to_numeric(table[name], errors="coerce")
            if numbers.notna().any():
                table[name] = numbers
    return Experiment(table, levels, notes=tuple(notes))


def _factors(
    table: pd.DataFrame, where: str, metric: str, factors: Sequence[str] | None
) -> tuple[Levels, list[str]]:
    """Factor -> levels, those named or found, and notes; cells of `table` become level names."""
    named = list(dict.fromkeys(factors)) if factors is not None else None
    for name in named or []:
        if name not in table:
            raise BadInput(f"{where}: {unknown('factor column', name, map(str, table.columns))}")
        if name == metric or is_bookkeeping(name):
            raise BadInput(f"{where}: {name!r} cannot be a factor: it is a metric or bookkeeping")
    candidates = named or [
        str(c) for c in table.columns if c != metric and not is_bookkeeping(str(c))
    ]
    levels: Levels = {}
    notes = []
    for name in candidates:
        text = _level_names(where, table, name, hint=named is None)
        table[name] = _folded(text)
        if not table[name].equals(text):
            kept = ", ".join(dict.fromkeys(table[name]))
            notes.append(f"Column {name}: levels that differ in case only are one: {kept}.")
        found = _ordered(list(table[name].unique()))
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
    return levels, notes


def _number_of_images(where: str, table: pd.DataFrame, metric: str, images: int) -> None:
    """Set the column `test_images`. Raises BadInput if it cannot be right."""
    if images < 1:
        raise BadInput(f"--test-images is the number of test images, at least 1, not {images}")
    if not metrics.named(metric).share:
        raise BadInput(f"--test-images is for accuracies in per cent, {metric!r} is none")
    if "test_images" in table:
        raise BadInput(f"{where} has a column test_images already: leave out --test-images")
    table["test_images"] = str(images)


def _states(where: str, column: pd.Series) -> pd.Series:
    """How each run ended. Raises BadInput for a word that is none of `STATES`."""
    text = column.str.strip().str.lower().replace({"": "ok", "done": "ok", "success": "ok"})
    strange = ~text.isin(STATES)
    if strange.any():
        row = int(np.argmax(strange))
        raise BadInput(
            f"{where}, line {row + 2}, column {column.name!r}: unknown state {text.iloc[row]!r}; "
            f"known: {', '.join(STATES)}"
        )
    return text


def _leave_out_remarks(where: str, levels: Levels, rows: int) -> list[str]:
    """Take columns of words that differ in every row out of `levels`; notes that say so."""
    words = [
        name
        for name, found in levels.items()
        if len(found) == rows > 2 and not all(map(_is_number, found))
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
        f"Column {name} is different in every row: not taken for a factor (--factors names them)."
        for name in words
    ]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(where: str, table: pd.DataFrame, metric: str) -> pd.Series:
    """The metric as floats; only rows whose state is not ok may lack it."""
    numbers = pd.to_numeric(table[metric], errors="coerce").astype(float)
    bad = ~np.isfinite(numbers) & succeeded(table)
    if bad.any():
        row = int(np.argmax(bad))
        raise BadInput(
            f"{where}, line {row + 2}, column {metric!r}: {_cut(table, metric, row)!r} is no "
            "number (give a run without one a `state` column saying diverged, or remove its row)"
        )
    known = metrics.named(metric)
    per_cent = known.unit == "pp"
    fraction = numbers.max() > 0 and numbers.between(0, 1)[numbers.notna()].all()
    # An error of less than 1 % is no rare thing: only of what should be large is it told.
    if per_cent and fraction and (known.share or known.larger_is_better):
        raise BadInput(
            f"{where}, column {metric!r}: all values lie between 0 and 1, but per cent are "
            "expected: multiply them by 100"
        )
    large = numbers.abs() > LARGEST
    if large.any():
        row = int(np.argmax(large))
        raise BadInput(
            f"{where}, line {row + 2}, column {metric!r}: {_cut(table, metric, row)} is too "
            f"large to compute with (at most {LARGEST:g}): give the column in another unit"
        )
    strange = (numbers < 0) | (numbers > 100)
    if per_cent and strange.any():
        row = int(np.argmax(strange))
        raise BadInput(
            f"{where}, line {row + 2}, column {metric!r}: {numbers.iloc[row]:g} is no per cent; a "
            "metric that is none goes by another name, with --metric"
        )
    return numbers.where(np.isfinite(numbers))


def _cut(table: pd.DataFrame, column: str, row: int) -> str:
    """A cell, so that it fits into a line."""
    said = str(table[column].iloc[row])
    return said if len(said) <= 40 else f"{said[:39]}…"


def _level_names(where: str, table: pd.DataFrame, name: str, hint: bool) -> pd.Series:
    """Level names as text; numbers in one form, so that 1 and 1.0 are one level.

    hint: whether an error says how to leave this column out.
    """
    text = table[name].str.strip()
    blank = text.str.lower().isin(["", "nan", "na", "null"])
    if blank.any():
        row = int(np.argmax(blank))
        said = " (if it is no factor, name those that are with --factors)" if hint else ""
        raise BadInput(f"{where}, line {row + 2}, column {name!r}: the level is missing{said}")
    levels = pd.Series(text.unique())
    numbers = pd.to_numeric(levels, errors="coerce")
    if numbers.notna().all():
        names = [f"{float(x) + 0.0:.12g}" for x in numbers]  # -0 is 0
        return text.map(dict(zip(levels, names, strict=True)))
    return text


def _folded(text: pd.Series) -> pd.Series:
    """Levels that differ in case only, in the spelling that comes first."""
    first: dict[str, str] = {}
    return text.map({level: first.setdefault(level.casefold(), level) for level in text.unique()})


def _first(where: str, name: str, levels: tuple[str, ...], wanted: str) -> tuple[str, ...]:
    """`levels` with the one `wanted` in front; as numbers or without regard to case."""

    def same(level: str) -> bool:
        if _is_number(level) and _is_number(wanted):
            return float(level) == float(wanted)
        return level.casefold() == wanted.casefold()

    found = next((level for level in levels if same(level)), None)
    if found is None:
        raise BadInput(f"{where}: --reference {unknown(f'level of {name}', wanted, levels)}")
    return (found, *(level for level in levels if level != found))


def _ordered(levels: list[str]) -> tuple[str, ...]:
    """The reference first, the others as numbers ascend or as they appear."""
    try:
        return tuple(sorted(levels, key=float))
    except ValueError:
        return tuple(sorted(levels, key=lambda level: level.lower() not in REFERENCES))

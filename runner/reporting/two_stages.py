"""Effects at two stages of a study, side by side: fixed and tuned, equal epochs and equal time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from runner.analysis.effects import Effect
from runner.analysis.result import Analysis
from runner.reporting.document import Column, Strong, Table, Text
from runner.reporting.numbers import interval_cell, signed_cell
from runner.reporting.tables import Row, table
from runner.reporting.wording import confidence

Pairs: TypeAlias = "Sequence[tuple[Effect, Effect | None]]"


def side_by_side(
    a: Analysis,
    pairs: Pairs,
    stages: tuple[str, str],
    last: Sequence[str],
    ends: Callable[[Effect], Row],
    first: Sequence[Row] = (),
) -> Table | None:
    """A row for each effect: its value, interval and verdict at each stage.

    a: the analysis of the first stage, for unit and confidence. last: titles of the last columns,
    which `ends` fills for an effect. first: rows above the effects. None without rows.
    """
    unit, spread = a.unit, f"{confidence(a)} interval"
    header: list[Column | str] = ["trick"]
    for stage in stages:
        header += [Column(f"{stage}: effect ({unit})", unit=unit), spread, "verdict"]
    rows = [[one.label, *_cells(one), *_cells(two), *ends(one)] for one, two in pairs]
    return table([*header, *last], [*first, *rows])


def _cells(e: Effect | None) -> Row:
    if e is None:
        return ["–", "–", "–"]
    return [signed_cell(e.effect), interval_cell(e.ci_low, e.ci_high), e.verdict]


def changed(pairs: Pairs, at: tuple[str, str]) -> list[Text]:
    """The effects whose verdict differs between the stages. at: what to say of each stage."""
    return [
        (Strong(one.label), f": {one.verdict} {at[0]}, {two.verdict} {at[1]}.")
        for one, two in pairs
        if two is not None and two.verdict != one.verdict
    ]

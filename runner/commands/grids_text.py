"""`list grids` for chosen factors: the precision and aliases of each grid, as JSON and as text."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from runner.records.json_values import JsonValue
from runner.text import aligned

if TYPE_CHECKING:
    from runner.planning.diagnostics import Diagnostics
    from runner.planning.grids import Outlook
    from runner.planning.precision import Precision

SETS = 16  # alias sets of a grid to print; --json has all
TERMS = 6  # terms to print of each alias set
HEAD = ("grid", "runs", "grid average", "at the baseline", "df", "D-eff", "main effects")


def grids_json(found: Sequence[Outlook]) -> list[Mapping[str, JsonValue]]:
    """Each grid's summary and diagnostics, or the reason why it is not possible."""
    rows: list[Mapping[str, JsonValue]] = []
    for grid in found:
        told: dict[str, JsonValue] = {"diagnostics": None, "reason": grid.reason}
        if grid.diagnostics is not None:
            told = {"diagnostics": _diagnostics_json(grid.diagnostics)}
        rows.append({"name": grid.name, "summary": grid.summary, "seeds": grid.seeds, **told})
    return rows


def _diagnostics_json(found: Diagnostics) -> Mapping[str, JsonValue]:
    value = asdict(found)
    labels = value.pop("labels")
    effects = zip(labels, value["effects"], strict=True)
    value["effects"] = [{"label": label, **effect} for label, effect in effects]
    return value


def grids_lines(found: Sequence[Outlook]) -> Iterator[str]:
    """The table of grids, with remarks on each grid below."""
    yield (
        "standard errors in units of σ, the run-to-run sd: of the typical effect (of the worst "
        "effect)"
    )
    yield from aligned([HEAD, *(_cells(grid.diagnostics) for grid in found if grid.diagnostics)])
    for grid in found:
        if grid.diagnostics is None:
            yield f"{grid.name}: {grid.reason}"
        else:
            yield from _lines(grid.diagnostics)


def _cells(found: Diagnostics) -> tuple[str, ...]:
    efficiency = found.d_efficiency
    return (
        found.grid,
        f"{found.arms:,} × {found.seeds} = {found.runs:,}",
        _errors_text([e.grid for e in found.effects]),
        _errors_text([e.baseline for e in found.effects]),
        _df_text([e.own for e in found.effects]),
        "none" if efficiency is None else f"{efficiency:.2f}",
        _clear_text(found),
    )


def _errors_text(precisions: Sequence[Precision]) -> str:
    """`0.25 (0.31)`; "some" or "none" where only some or no effects can be estimated."""
    known = [p.se for p in precisions if p.se is not None]
    if not known:
        return "none"
    typical, worst = f"{statistics.median(known):.2f}", f"{max(known):.2f}"
    text = typical if typical == worst else f"{typical} ({worst})"
    return text if len(known) == len(precisions) else f"{text}, {len(known)}/{len(precisions)}"


def _df_text(precisions: Sequence[Precision]) -> str:
    known = [p.df for p in precisions if p.df is not None]
    return f"{min(known):.0f}" if known else "none"


def _clear_text(found: Diagnostics) -> str:
    if found.clear is None:
        return "one arm against another" if found.error_term == "arms" else "not worked out"
    return "clear of interactions" if found.clear else "not clear of interactions"


def _lines(found: Diagnostics) -> Iterator[str]:
    """Remarks below the table: the standard error for the grid's estimand, and the aliases."""
    others = any(e.grid is not e.own and e.baseline is not e.own for e in found.effects)
    if others:
        error = _errors_text([e.own for e in found.effects])
        yield f"{found.grid}: its effects are {found.estimand}, standard error {error}"
    if found.effects and all(e.own.df is None for e in found.effects):
        yield f"{found.grid}: {found.effects[0].own.reason}"
    sets = found.aliases or []
    if sets:
        yield f"{found.grid}: terms that the runs cannot tell apart:"
    for members in sets[:SETS]:
        more = len(members.terms) - TERMS
        shown = str(replace(members, terms=members.terms[:TERMS]))
        partly = (
            f" (~: partly; {members.estimable} combinations can be told apart)"
            if members.estimable != 1
            else ""
        )
        yield f"  {shown}{f' … and {more} more' if more > 0 else ''}{partly}"
    if len(sets) > SETS:
        yield f"  … and {len(sets) - SETS} more sets: --json has them all"

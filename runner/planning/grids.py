"""What each grid would tell about chosen factors, before any run."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner.text import aligned
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.designs.design import Design
    from runner.planning.diagnostics import Diagnostics
    from runner.planning.precision import Precision
    from runner.studies.study import Study

SETS = 16  # alias sets of a grid to print; --json has all
TERMS = 6  # terms of a set to print


def possible(study: Study, runs: int | None = None) -> Iterator[tuple[str, Design | str]]:
    """Every grid over the study's factors, or the reason why it cannot be had.

    runs: of the grids that take them.
    """
    from runner.designs import registry as designs

    for name, cls in designs.grids().items():
        try:
            design = designs.make(
                name, study.factors, study.baseline, runs=runs if cls.takes_runs else None
            )
            design.count  # noqa: B018 - an array that cannot be built says so here
        except BadInput as error:
            if runs is not None and cls.takes_runs:
                raise
            yield name, str(error)
        else:
            yield name, design


def grid_rows(study: Study, seeds: int | None, runs: int | None) -> list[dict[str, Any]]:
    """`list grids --json` for chosen factors: a grid's summary and its diagnostics."""
    from runner.designs.registry import grids
    from runner.planning.diagnostics import diagnose

    rows, known = [], grids()
    for name, design in possible(study, runs):
        row: dict[str, Any] = {"name": name, "summary": known[name].summary}
        row["seeds"] = seeds or known[name].default_seeds
        if isinstance(design, str):
            rows.append({**row, "diagnostics": None, "reason": design})
        else:
            found = diagnose(design, row["seeds"])
            rows.append({**row, "diagnostics": found.to_json(), "text": _texts(found)})
    return rows


def print_grids(rows: Sequence[dict[str, Any]], notes: Sequence[str]) -> None:
    """The table of `list grids` for chosen factors."""
    head = ("grid", "runs", "grid average", "at the baseline", "df", "D-eff", "main effects")
    shown = [row["text"] for row in rows if row["diagnostics"]]
    for note in notes:
        print(note)
    print("standard errors in σ, the run-to-run sd: the typical effect's (the worst one's)")
    for line in aligned([head, *(tuple(text["cells"]) for text in shown)]):
        print(line)
    for row in rows:
        if row["diagnostics"] is None:
            print(f"{row['name']}: {row['reason']}")
        else:
            for line in row["text"]["lines"]:
                print(line)


def _texts(found: Diagnostics) -> dict[str, Any]:
    efficiency = found.d_efficiency
    cells = [
        found.grid,
        f"{found.arms:,} × {found.seeds} = {found.runs:,}",
        errors_text([e.grid for e in found.effects]),
        errors_text([e.baseline for e in found.effects]),
        _df_text([e.own for e in found.effects]),
        "none" if efficiency is None else f"{efficiency:.2f}",
        _clear_text(found),
    ]
    return {"cells": cells, "lines": list(_lines(found))}


def errors_text(precisions: Sequence[Precision]) -> str:
    """`0.25 (0.31)`, or "some" where only some effects can be told, "none" where none."""
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
        return "each against an arm" if found.error_term == "arms" else "not worked out"
    return "clear of interactions" if found.clear else "not clear of interactions"


def _lines(found: Diagnostics) -> Iterator[str]:
    """What there is to say below the table: of its own estimand, and the aliases."""
    others = any(e.grid is not e.own and e.baseline is not e.own for e in found.effects)
    if others:
        error = errors_text([e.own for e in found.effects])
        yield f"{found.grid}: its effects are {found.estimand}, standard error {error}"
    if found.effects and all(e.own.df is None for e in found.effects):
        yield f"{found.grid}: {found.effects[0].own.reason}"
    sets = found.aliases or []
    if sets:
        yield f"{found.grid}: terms that the runs cannot tell apart:"
    for members in sets[:SETS]:
        more = len(members.terms) - TERMS
        shown = str(replace(members, terms=members.terms[:TERMS]))
        partly = f" (~: partly; {members.told} combinations are told)" if members.told != 1 else ""
        yield f"  {shown}{f' … and {more} more' if more > 0 else ''}{partly}"
    if len(sets) > SETS:
        yield f"  … and {len(sets) - SETS} more sets: --json has them all"

"""The design: its precision as planned and as run."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from runner.analysis.result import Analysis
from runner.planning.planned_vs_actual_design import PlannedDesign, RealisedDesign, RunDesign
from runner.reporting.contents import section
from runner.reporting.document import (
    Details,
    Note,
    Paragraph,
    Section,
    Strong,
    Text,
    items,
    present,
)
from runner.reporting.material import Material
from runner.reporting.numbers import plain
from runner.reporting.tables import table
from runner.reporting.wording import df_text

SETS = 12


@section(place=140)
def design(m: Material) -> Section | None:
    """The design as planned beside the design as run; None if it is not known."""
    return None if m.design is None else compared(m.analysis, m.design)


def compared(a: Analysis, found: RealisedDesign) -> Section:
    """The table of both designs, and the terms that each cannot tell apart."""
    planned, run = found.planned, found.run
    missing = None
    if planned is None:
        missing = Paragraph(f"The design as planned cannot be shown: {found.reason}.")
    rows = [
        [what, *([before] if planned else []), now]
        for what, before, now in _rows(a, planned or PlannedDesign(0, 0), run)
    ]
    return Section(
        "Design",
        present(
            missing,
            table(["", *(["as planned"] if planned else []), "as run"], rows),
            _basis(a, planned),
            *map(Paragraph, found.notes),
            *_sets(planned, run),
        ),
    )


def _rows(a: Analysis, planned: PlannedDesign, run: RunDesign) -> list[tuple[str, Text, Text]]:
    """Rows of (quantity, as planned, as run)."""
    errors = [e.se for e in a.effects if e.se is not None]
    sigma = a.sigma
    rows: list[tuple[str, Text, Text]] = [
        ("runs", f"{planned.runs:,}", f"{run.runs:,}"),
        ("different arms", f"{planned.arms:,}", f"{run.arms:,}"),
        (
            "standard error in σ: middle (largest) effect",
            _span(planned.errors),
            _in(errors, sigma),
        ),
        (
            f"the same in {a.unit}, at σ = {plain(sigma)}",
            _span([x * sigma for x in planned.errors] if sigma else []),
            _span(errors),
        ),
        ("error df of an effect", _df(planned.df), _df(a.df_of_intervals)),
        ("D-efficiency", plain(planned.d_efficiency), plain(run.d_efficiency)),
    ]
    if run.clear is not None or planned.clear is not None:
        rows.append(("main effects clear of two-factor interactions", _clear(planned), _clear(run)))
        sets = _count(planned.sets), _count(run.sets)
        rows.append(("sets of terms that cannot be told apart", *sets))
    return rows


def _span(values: Sequence[float]) -> str:
    if not values:
        return "–"
    text, worst = f"{median(values):.2f}", f"{max(values):.2f}"
    return text if text == worst else f"{text} ({worst})"


def _in(errors: Sequence[float], sigma: float | None) -> str:
    return _span([x / sigma for x in errors]) if sigma else "–"


def _df(ends: Sequence[float] | None) -> str:
    return (df_text(ends) or "none").removeprefix("intervals with ")


def _clear(side: RunDesign) -> Text:
    return "–" if side.clear is None else "yes" if side.clear else Strong("no")


def _count(sets: Sequence[str] | None) -> str:
    return "–" if sets is None else str(len(sets))


def _basis(a: Analysis, planned: PlannedDesign | None) -> Note:
    text = f"Effects {a.estimand}; as run: {a.error_term}"
    if planned:
        text += f"; as planned: equal noise in all arms, {planned.error_term}"
    end = ". D-efficiency is for the main effects; it is 1 for a balanced orthogonal array."
    return Note(text + end)


def _sets(planned: PlannedDesign | None, run: RunDesign) -> list[Details]:
    before = (planned.sets if planned else None) or ()
    now = run.sets or ()
    if planned and sorted(before) == sorted(now):
        return [_listed("Terms that these runs cannot tell apart", now)]
    return [
        _listed("Terms that the planned design cannot tell apart", before),
        _listed("Terms that the remaining runs cannot tell apart", now),
    ]


def _listed(summary: str, sets: Sequence[str]) -> Details:
    more = [f"and {len(sets) - SETS} more sets"] if len(sets) > SETS else []
    return Details(summary, (items([*sets[:SETS], *more]),) if sets else ())

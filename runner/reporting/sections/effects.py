"""The effects: their table, the forest plot, and effects that depend on another factor."""

from __future__ import annotations

from runner.analysis.effects import GRID
from runner.analysis.result import Analysis
from runner.reporting import tables
from runner.reporting.contents import section
from runner.reporting.document import (
    Block,
    Details,
    Emphasis,
    Name,
    Note,
    Paragraph,
    Section,
    present,
)
from runner.reporting.material import Material
from runner.reporting.plots.forest import forest
from runner.reporting.plotting import figure
from runner.reporting.wording import confidence

OPEN = 6  # a table of more simple effects is folded
AT_BASELINE = Note(
    "Effect at the baseline: all other factors are at their reference. The column “from” says how "
    "it is estimated. “the two arms”: the baseline's runs against the runs of the arm with this "
    "change alone (Welch). “model”: the model with two-factor interactions. “model, narrowed”: the "
    "same model, fitted to the runs in which the factors that interact with this factor are at "
    "their reference. –: these runs cannot estimate it. Each interval is for its effect alone."
)


@section(place=40)
def effects(m: Material) -> Section:
    """The table, how to read it, the plot, and effects that depend on another factor."""
    a = m.analysis
    unknown = None
    if a.estimand == GRID and not tables.beside_baseline(a):
        unknown = Note("These runs cannot estimate the effects at the baseline.")
    alt = f"effects {a.estimand} with {confidence(a)} intervals"
    picture = figure("effects", alt, forest, a)
    return Section(
        "Effects",
        present(
            tables.effects(a),
            tables.caption(a),
            unknown,
            Details("How to read the columns", _columns(a)),
            picture,
            tables.basis(a) if picture else None,
            _depending(a),
        ),
    )


def _columns(a: Analysis) -> tuple[Block, ...]:
    time = next((e.time for e in a.effects if e.time), None)
    return present(
        AT_BASELINE if tables.beside_baseline(a) else None,
        Note(("Time ratio: ", Name(time.column), f" against the reference, {time.what}."))
        if time
        else None,
    )


def _depending(a: Analysis) -> Section | Details | None:
    simple = tables.simple_effects(a)
    if simple is None:
        return None
    what = Paragraph(
        (
            "An effect ",
            Emphasis("depends"),
            " on another factor if their interaction is at least half as large as the effect and "
            "distinguishable from zero. The table has simple effects, averaged over the factors "
            "that a row does not name; each interval is for its effect alone.",
        )
    )
    held = (what, simple, tables.basis(a))
    title = "Effects that depend on another factor"
    if len(simple.rows) <= OPEN:
        return Section(title, held)
    return Details(f"{title}: {len(simple.rows)} cases", held)

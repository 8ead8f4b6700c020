"""The interactions: a heatmap, and the largest ones as a table."""

from __future__ import annotations

from runner.analysis.result import Analysis
from runner.reporting.contents import section
from runner.reporting.document import Details, Note, Paragraph, Section, Table
from runner.reporting.material import Material
from runner.reporting.numbers import interval_cell, p_cell, signed_cell
from runner.reporting.plots.heatmap import heatmap
from runner.reporting.plotting import figure
from runner.reporting.tables import Row, places, table
from runner.reporting.wording import confidence, df_text

SHOWN = 12


@section(place=80)
def interactions(m: Material) -> Section | None:
    """The interactions of pairs of factors; None without interactions."""
    a = m.analysis
    found = largest(a)
    if found is None:
        return None
    what = "An interaction is the change in a factor's effect when another factor is switched."
    if all(i.effect is None for i in a.interactions):
        what += " These runs estimate only mixtures of interactions, no single interaction."
        return Section("Interactions", (Paragraph(what), Details("The mixtures", (found,))))
    if any(i.aliased for i in a.interactions):
        what += (
            " A sum is an alias set (hatched): these runs estimate only the sum of its members, "
            "never a single member."
        )
    picture = figure("interactions", "interactions of all pairs of factors", heatmap, a)
    if picture is None:
        return Section("Interactions", (Paragraph(what), _basis(a), found))
    total = len(a.interactions)
    which = f"The {SHOWN} largest of {total}" if total > SHOWN else f"All {total}"
    folded = Details(f"{which} interactions as a table", (found,))
    return Section("Interactions", (Paragraph(what), picture, _basis(a), folded))


def _basis(a: Analysis) -> Note:
    lack = a.lack_of_fit
    error = a.error_term
    if lack and lack.used:
        error = "the replicates' noise alone, so an interaction here may be one of more factors"
    free = [i.df for i in a.interactions if i.df is not None]
    df = df_text((min(free), max(free))) if free else "no intervals"
    return Note(
        f"Error term: {error}; {df}; {a.runs.used} runs. Each interval is for its interaction "
        "alone; p by Benjamini-Hochberg over all interactions (exploratory)."
    )


def largest(a: Analysis) -> Table | None:
    """The largest interactions; None without any."""
    d = places(a)
    rows: list[Row] = [
        [
            i.label, signed_cell(i.effect, d), interval_cell(i.ci_low, i.ci_high, d),
            p_cell(i.p_adjusted),
            i.reason if i.reason else "cannot be separated" if i.aliased else "",
        ]
        for i in a.interactions[:SHOWN]
    ]  # fmt: skip
    header = ["interaction", f"size ({a.unit})", f"{confidence(a)} interval"]
    return table([*header, "p, Benjamini-Hochberg", ""], rows)

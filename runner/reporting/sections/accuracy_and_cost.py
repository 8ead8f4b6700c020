"""Accuracy against cost: which arms no other arm beats in both."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Note, Section
from runner.reporting.material import Material
from runner.reporting.noise import known
from runner.reporting.plots.pareto import pareto
from runner.reporting.plotting import figure
from runner.reporting.tables import time_column


@section(place=90)
def accuracy_and_cost(m: Material) -> Section | None:
    """The plot and what its probabilities are; None without the plot."""
    a = m.a
    alt = f"{a['metric']} against training time, coloured by P(on the front)"
    picture = figure("accuracy-time", alt, pareto, a, time_column(a))
    if picture is None:
        return None
    found = known(a, "pareto")
    if found:
        line = (
            f"P(on the front): no other arm is both better and cheaper ({found['cost']}); "
            f"{found['draws']:,} joint draws of both, {found['model']}; "
            f"{a['runs']['used']} runs in {found['of']} arms. Vertical bars: t-intervals of each "
            "arm alone."
        )
    else:
        why = (a.get("pareto") or {}).get("reason") or "not estimated"
        line = f"P(on the front) is not known: {why}."
    return Section("Accuracy and cost", (picture, Note(line)))

"""Accuracy against cost: which arms no other arm beats in both."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Note, Section
from runner.reporting.material import Material
from runner.reporting.plots.pareto import pareto
from runner.reporting.plotting import figure


@section(place=90)
def accuracy_and_cost(m: Material) -> Section | None:
    """The plot and what its probabilities are; None without the plot."""
    a = m.analysis
    alt = f"{a.title} against training time, coloured by P(on the front)"
    picture = figure("accuracy-time", alt, pareto, a)
    if picture is None:
        return None
    found = a.pareto
    if found.arms is not None:
        line = (
            f"P(on the front): no other arm is both better and cheaper ({found.cost}); "
            f"{found.draws:,} joint draws of both, {found.model}; "
            f"{a.runs.used} runs in {found.of} arms. Vertical bars: t-intervals of each "
            "arm alone."
        )
    else:
        line = f"P(on the front) is not known: {found.reason or 'not estimated'}."
    return Section("Accuracy and cost", (picture, Note(line)))

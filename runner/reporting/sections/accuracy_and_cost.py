"""Accuracy against cost: which arms no other arm beats in both."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Note, Section
from runner.reporting.material import Material
from runner.reporting.plots.pareto import pareto
from runner.reporting.plotting import figure


@section(place=90)
def accuracy_and_cost(m: Material) -> Section | None:
    """The plot, and a note on its probabilities; None without the plot."""
    a = m.analysis
    alt = f"{a.title} against training time, coloured by P(on the front)"
    picture = figure("accuracy-time", alt, pareto, a)
    if picture is None:
        return None
    found = a.pareto
    if found.arms is not None:
        line = (
            "P(on the front): the probability that no other arm is both better and cheaper "
            f"({found.cost}), from {found.draws:,} joint draws of metric and cost, {found.model}; "
            f"{a.runs.used} runs in {found.of} arms. Vertical bars: t-intervals of each "
            "arm alone."
        )
    else:
        line = f"P(on the front) is not known: {found.reason or 'not estimated'}."
    return Section("Accuracy and cost", (picture, Note(line)))

"""The learning curves: validation accuracy and learning rate by epoch."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Details, Note, Section, present
from runner.reporting.material import Material
from runner.reporting.plots.learning import learning
from runner.reporting.plots.rates import learning_rates
from runner.reporting.plotting import figure


@section(place=120)
def learning_curves(m: Material) -> Section | None:
    """Both plots; None without any."""
    a, runs, factors = m.analysis, m.experiment.runs, m.experiment.factors
    curves = figure(
        "learning-curves", "validation accuracy by epoch", learning, a, runs, m.curves, factors
    )
    rates = figure(
        "learning-rates", "learning rate by epoch", learning_rates, a, runs, m.curves, m.records
    )
    if curves is None and rates is None:
        return None
    folded = Details("Learning rate by epoch", present(rates))
    return Section("Learning curves", present(curves, _basis(m) if curves else None, folded))


def _basis(m: Material) -> Note:
    used, drawn = m.analysis.runs.used, int(m.curves["id"].nunique())
    part = f"{drawn:,} of the {used:,} runs" if drawn < used else f"{used} runs"
    return Note(
        f"Validation accuracy of {part} after each epoch: thick lines are means "
        "over runs, thin lines or the band (their middle 80 %) the runs themselves; no intervals. "
        "Nothing is chosen by these curves."
    )

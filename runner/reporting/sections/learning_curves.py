"""The learning curves: validation accuracy and learning rate by epoch."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Details, Note, Section, present
from runner.reporting.material import Material
from runner.reporting.plots.learning import learning
from runner.reporting.plots.losses import losses
from runner.reporting.plots.rates import learning_rates
from runner.reporting.plotting import figure

LOSSES = Note(
    "Means over the runs of an arm. Training loss is that of the steps of an epoch, on augmented "
    "images and with the recipe's own targets: mixed or smoothed labels raise it, so that it can "
    "stand above validation loss, and compares arms of the same targets only."
)


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
    both = figure("losses", "training and validation loss by epoch", losses, a, runs, m.curves)
    if curves is None and rates is None and both is None:
        return None
    folded = Details("Learning rate by epoch", present(rates))
    blocks = present(curves, _basis(m) if curves else None, both, LOSSES if both else None, folded)
    return Section("Learning curves", blocks)


def _basis(m: Material) -> Note:
    used, drawn = m.analysis.runs.used, int(m.curves["id"].nunique())
    part = f"{drawn:,} of the {used:,} runs" if drawn < used else f"{used} runs"
    return Note(
        f"Validation accuracy of {part} after each epoch: thick lines are means "
        "over runs, thin lines or the band (their middle 80 %) the runs themselves; no intervals. "
        "Nothing is chosen by these curves."
    )

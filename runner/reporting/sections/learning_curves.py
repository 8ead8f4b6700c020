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
    "Means over the runs of an arm. Training loss is the mean over the steps of an epoch, on "
    "augmented images and with the recipe's targets. Mixed or smoothed labels raise it, so it can "
    "be above validation loss. Compare training losses only between arms with the same targets."
)


@section(place=120)
def learning_curves(m: Material) -> Section | None:
    """Accuracy, losses and learning rates by epoch; None without any of these plots."""
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
        f"Validation accuracy of {part} after each epoch. Thick lines are means over runs. Thin "
        "lines are single runs; a band is the middle 80 % of the runs, not an interval. No choice "
        "is made by these curves."
    )

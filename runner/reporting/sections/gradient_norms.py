"""Norms of gradients before clipping, for the arms that clip."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Note, Section, present
from runner.reporting.material import Material
from runner.reporting.tables import table

MOST_ARMS = 24  # with more arms the table has one row for all
TOLD = (
    "Norm of the gradient of all parameters before clipping: the mean over the steps of the "
    "epoch and over runs, and the largest norm of any step. A clipping limit far above these "
    "norms clips nothing. A limit below the mean acts as a smaller learning rate."
)


@section(place=125)
def gradient_norms(m: Material) -> Section | None:
    """A table with one row for each arm; None where no run clipped."""
    runs, factors = m.experiment.runs, m.experiment.factors
    if "grad_norm" not in m.curves or "id" not in runs:
        return None
    held = m.curves.dropna(subset=["grad_norm"]).merge(runs[["id", *factors]], on="id")
    if held.empty:
        return None
    arms = list(held.groupby(list(factors), sort=False)) if factors else []
    if not 0 < len(arms) <= MOST_ARMS:
        arms = [((), held)]
    rows = []
    for levels, arm in arms:
        on = [
            f"{name}={level}"
            for (name, known), level in zip(factors.items(), levels, strict=False)
            if level != known[0]
        ]
        ends = (arm["epoch"].min(), arm["epoch"].max())
        means = [arm.loc[arm["epoch"].eq(epoch), "grad_norm"].mean() for epoch in ends]
        numbers = [f"{value:.3g}" for value in (*means, arm["grad_norm_max"].max())]
        rows.append([", ".join(on) or ("baseline" if levels else "all arms that clip"), *numbers])
    head = ["arm", "first epoch", "last epoch", "largest of a step"]
    return Section("Gradient norms", present(Note(TOLD), table(head, rows)))

"""The waterfall of a cumulative grid: what each step adds."""

from __future__ import annotations

from runner.designs.layout import CUMULATIVE
from runner.reporting.contents import section
from runner.reporting.document import Paragraph, Section, Strong
from runner.reporting.material import Material
from runner.reporting.plots.waterfall import waterfall
from runner.reporting.plotting import figure
from runner.reporting.tables import basis


@section(place=110)
def step_by_step(m: Material) -> Section | None:
    """The plot, with a warning that steps depend on their order; None for other grids."""
    if m.analysis.layout != CUMULATIVE:
        return None
    picture = figure("waterfall", "what each step adds", waterfall, m.analysis)
    if picture is None:
        return None
    what = (
        ": each step is the effect of one trick added to the tricks before it. In another order "
        "the same tricks have other effects."
    )
    warning = Paragraph((Strong("The steps depend on their order"), what))
    return Section("Step by step", (warning, picture, basis(m.analysis)))

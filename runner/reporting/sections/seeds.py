"""The single runs: every seed as a point."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Note, Section
from runner.reporting.material import Material
from runner.reporting.plots.seeds import EXTREMES, MOST_ARMS
from runner.reporting.plots.seeds import seeds as plot
from runner.reporting.plotting import figure
from runner.reporting.wording import confidence


@section(place=70)
def seeds(m: Material) -> Section | None:
    """The plot and what its points and bars are; None without the plot."""
    a, runs = m.analysis, m.experiment.runs
    picture = figure("seeds", "every run as a point", plot, a, runs, m.experiment.factors)
    if picture is None:
        return None
    what = f"{a.title[:1].upper() + a.title[1:]} of each of {a.runs.used} runs"
    if len(a.arms) <= MOST_ARMS:
        what += (
            f"; bars: mean and {confidence(a)} t-interval of that arm alone, from its own runs' "
            "sd (runs − 1 df), not simultaneous, not of differences; one that is as wide as the "
            "metric's range is not drawn."
        )
    else:
        what += (
            f", once for each factor, beside its level: the spread over the grid, no intervals; "
            f"of the runs outside the middle 80 % at most {EXTREMES} a row are drawn."
        )
    return Section("Seeds", (picture, Note(what)))

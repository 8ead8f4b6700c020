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
    """The plot, and a note on its points and bars; None without the plot."""
    a, runs = m.analysis, m.experiment.runs
    picture = figure("seeds", "every run as a point", plot, a, runs, m.experiment.factors)
    if picture is None:
        return None
    what = f"{a.title[:1].upper() + a.title[1:]} of each of {a.runs.used} runs"
    if len(a.arms) <= MOST_ARMS:
        what += (
            f". Bars: mean and {confidence(a)} t-interval of that arm alone, from the sd of its "
            "runs (runs − 1 df). The intervals are not simultaneous and are not for differences. "
            "An interval as wide as the metric's range is not drawn."
        )
    else:
        what += (
            ". Each run appears once for each factor, in the row of its level. The rows show the "
            "spread over the grid, not intervals. Of the runs outside the middle 80 % at most "
            f"{EXTREMES} are drawn in each row."
        )
    return Section("Seeds", (picture, Note(what)))

"""The single runs: every seed as a point."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Note, Section
from runner.reporting.material import Material
from runner.reporting.plots.seeds import MOST_ARMS, MOST_POINTS
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
    if a.runs.used > MOST_POINTS:
        what += f" (of a row at most {MOST_POINTS}, spread evenly, are drawn)"
    if len(a.arms) <= MOST_ARMS:
        what += (
            f"; bars: mean and {confidence(a)} t-interval of that arm alone, from its own runs' "
            "sd (runs − 1 df), not simultaneous, not of differences."
        )
    else:
        what += ", once for each factor, beside its level; bars: medians, without intervals."
    return Section("Seeds", (picture, Note(what)))

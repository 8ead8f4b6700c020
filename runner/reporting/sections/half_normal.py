"""The half-normal plot of an unreplicated grid."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Note, Paragraph, Section
from runner.reporting.material import Material
from runner.reporting.plots.half_normal import half_normal as plot
from runner.reporting.plotting import figure
from runner.reporting.wording import confidence

SHOWN = 8


@section(place=100)
def half_normal(m: Material) -> Section | None:
    """The contrasts above the margin, and the plot; None where there is no such plot."""
    a = m.analysis
    found = a.half_normal
    picture = figure("half-normal", "contrasts against half-normal quantiles", plot, a)
    if not found or picture is None:
        return None
    above = [c.label for c in reversed(found.contrasts) if c.above]
    more = f" and {len(above) - SHOWN} more" if len(above) > SHOWN else ""
    count, unit = len(found.contrasts), a.unit
    mixed = any(" ~ " in c.label for c in found.contrasts)
    told = "~: holds a part of each of these interactions." if mixed else ""
    said = f"Above the margin of all at once: {', '.join(above[:SHOWN]) or 'nothing'}{more}."
    what = Paragraph(
        f"Contrasts of noise alone lie on a line through 0; what leaves it is an effect. {said} "
        "A second look by another error term: verdicts are those of the effects table."
    )
    basis = Note(
        f"{count} orthogonal contrasts of {a.runs.used} runs, on the scale of main effects "
        "(an interaction's is half its size); error term: Lenth's pseudo standard error, "
        f"{found.pse:.3g} {unit} ({count / 3:.1f} df); {confidence(a)} margin of one contrast "
        f"alone ±{found.margin:.3g}, of all at once (simulated) "
        f"±{found.simultaneous_margin:.3g}.{told}"
    )
    return Section("Half-normal plot", (what, picture, basis))

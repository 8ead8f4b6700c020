"""The half-normal plot of an unreplicated grid."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Note, Paragraph, Section
from runner.reporting.material import Material
from runner.reporting.plots.half_normal import half_normal as plot
from runner.reporting.plotting import figure
from runner.reporting.wording import confidence
from runner.text import some_of

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
    count, unit = len(found.contrasts), a.unit
    mixed = any(" ~ " in c.label for c in found.contrasts)
    told = " ~: the contrast contains a part of each of these interactions." if mixed else ""
    said = f"Above the margin for all at once: {some_of(above, SHOWN) or 'nothing'}."
    what = Paragraph(
        "Contrasts that are pure noise lie on a line through 0; a contrast that leaves the line "
        f"is an effect. {said} This plot uses another error term than the effects table. Verdicts "
        "come from the effects table."
    )
    basis = Note(
        f"{count} orthogonal contrasts of {a.runs.used} runs, on the scale of main effects "
        "(the contrast of an interaction is half its size). Error term: Lenth's pseudo standard "
        f"error, {found.pse:.3g} {unit} ({count / 3:.1f} df). {confidence(a)} margin of one "
        f"contrast alone ±{found.margin:.3g}, of all at once (simulated) "
        f"±{found.simultaneous_margin:.3g}.{told}"
    )
    return Section("Half-normal plot", (what, picture, basis))

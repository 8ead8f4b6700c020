"""Waterfall of a cumulative grid: what each step adds to the steps before it."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.analysis.result import Analysis
from runner.reporting.plots.style import BLACK, GREY, VERDICTS, figure, short
from runner.reporting.wording import confidence


def waterfall(a: Analysis) -> Figure | None:
    """Bars from each step's mean to the next, with the step's interval."""
    steps = [
        (e, e.mean - e.effect, e.effect)
        for e in a.effects
        if e.effect is not None and e.mean is not None
    ]
    if not steps:
        return None
    fig = figure(max(9, 2 + 0.5 * len(steps)), 5)
    ax = fig.subplots()
    start = steps[0][1]
    ax.plot([-0.4, 0.4], [start, start], color=BLACK, linewidth=3)
    for x, (e, before, size) in enumerate(steps, 1):
        colour = VERDICTS[e.verdict][0]
        ax.bar(x, size, bottom=before, width=0.8, color=colour, alpha=0.75)
        ax.plot([x - 1.4, x + 0.4], [before, before], color=GREY, linewidth=1)
        if e.ci_low is not None and e.ci_high is not None:
            ax.plot([x, x], [before + e.ci_low, before + e.ci_high], color=BLACK, lw=1.5)
    names = ["baseline", *[f"+ {short(e.label, 24)}" for e, *_ in steps]]
    ax.set_xticks(range(len(names)), names, rotation=35, ha="right")
    ax.set_ylabel(a.title + (" (%)" if a.unit == "pp" else ""))
    ax.grid(axis="x", visible=False)
    ax.set_title("Each step depends on the order; another order gives other steps.")
    kinds = [v for v in VERDICTS if any(e.verdict == v for e, *_ in steps)]
    handles = [
        Line2D([], [], color=VERDICTS[k][0], linewidth=8, alpha=0.75, label=k) for k in kinds
    ]
    handles.append(
        Line2D([], [], color=BLACK, linewidth=1.5, label=f"{confidence(a)} interval of the step")
    )
    fig.legend(handles=handles, loc="outside upper center", ncols=5, fontsize=10)
    return fig

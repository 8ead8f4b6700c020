"""Half-normal plot of an unreplicated grid: contrasts that are pure noise lie on a line."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from runner.analysis.result import Analysis
from runner.reporting.plots.style import BLUE, GREY, ORANGE, PAPER, RED, figure, short
from runner.reporting.wording import confidence

NAMED = 12
ALWAYS = 3


def half_normal(a: Analysis) -> Figure | None:
    """Sizes of contrasts over half-normal quantiles, Lenth's margins as lines, outliers named.

    Names are shown for up to twelve contrasts above the margin of one contrast alone, and for the
    largest three. None without contrasts.
    """
    found = a.half_normal
    if not found:
        return None
    contrasts = found.contrasts
    x = np.array([c.quantile for c in contrasts])
    y = np.array([abs(c.effect) for c in contrasts])
    above = np.array([c.above for c in contrasts])
    fig = figure(9, 5.2)
    ax = fig.subplots()
    ax.plot(x, found.pse * x, color=GREY, linewidth=1, label="noise alone (Lenth's PSE)")
    both = confidence(a)
    for margin, dash, label in (
        (found.margin, "--", f"{both} margin of one contrast alone"),
        (found.simultaneous_margin, "-", f"{both} margin of all at once"),
    ):
        ax.axhline(margin, color=ORANGE, linestyle=dash, linewidth=1.6, label=label)
    # Points are drawn above labels, so no label hides a point.
    ax.plot(x[~above], y[~above], "o", color=BLUE, markersize=6, alpha=0.8, zorder=4)
    if above.any():
        ax.plot(
            x[above], y[above], "^", color=RED, markersize=8, zorder=4,
            label="above the margin of all",
        )  # fmt: skip
    named = [i for i in range(len(y)) if y[i] > found.margin or i >= len(y) - ALWAYS][-NAMED:]
    top = max(float(y.max()), found.simultaneous_margin) * 1.06
    ax.set_ylim(0, top)
    ax.set_xlim(0, float(x.max()) * 1.04)
    apart = top / 24  # labels of close points are moved apart
    last = -apart
    for i in named:
        last = max(float(y[i]), last + apart)
        sign = "+" if contrasts[i].effect > 0 else "−"
        ax.annotate(
            f"{sign} {short(contrasts[i].label, 48)}", (x[i], y[i]), xytext=(x[i], last),
            textcoords="data", ha="right", va="center", fontsize=9,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8},
        ).set_position((x[i] - 0.012 * float(x.max()), last))  # fmt: skip
    ax.set_xlabel("half-normal quantile")
    ax.set_ylabel(f"size of the contrast ({a.unit})")
    fig.legend(loc="outside upper center", ncols=4, fontsize=9, columnspacing=1.2)
    return fig

"""Interaction heatmap: how much each factor changes the effect of each other."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from runner.analysis.effects import Interaction
from runner.analysis.result import Analysis
from runner.designs.factor import PLACEBO
from runner.reporting.plots.style import GREY, figure, short

MOST_NUMBERS = 16  # with more factors, cells are too small for numbers
Colour = tuple[float, float, float, float]
WHITE = (1.0, 1.0, 1.0, 1.0)
FEW_FACTORS = 6  # with at most 6 factors, the colour bar needs the whole height for its label
DARK = "#111111"  # text on a light cell, in light and in dark mode
NOTE = 6.4  # inches, the width of the note above the plot


def heatmap(a: Analysis) -> Figure | None:
    """A cell for each pair of factors, hatched where the pair is aliased with other pairs.

    None for fewer than three pairs, or where no interaction has a number.
    """
    if not a.interactions or all(item.effect is None for item in a.interactions):
        return None
    paired = {label for item in a.interactions for term in item.terms for label in term}
    labels = list(dict.fromkeys(e.label for e in a.effects))
    labels = [x for x in labels if x in paired or x != PLACEBO]
    cells: dict[tuple[int, int], Interaction] = {}
    for item in a.interactions:
        for one, two in item.terms:
            if one in labels and two in labels:
                i, j = sorted((labels.index(one), labels.index(two)))
                cells[i, j] = item
    if len(cells) < 3:
        return None
    k = len(labels)
    sizes = [abs(c.effect) for c in cells.values() if c.effect is not None]
    top = max(sizes, default=1.0) or 1.0
    # Signed log scale: one huge interaction must not bleach all the others.
    norm = SymLogNorm(linthresh=max(top / 30, 1e-9), vmin=-top, vmax=top)
    colours = colormaps["PuOr_r"]
    numbers = k <= MOST_NUMBERS
    wide, high = (0.78, 0.62) if numbers else (0.34, 0.3)
    fig = figure(max(NOTE, 2.6 + wide * k), max(4.2, 1.8 + high * k))
    ax = fig.subplots()
    for (i, j), item in cells.items():
        _cell(ax, i, j, item, colours(norm(item.effect or 0.0)), a.level, numbers)
    right, top_row = max(i for i, _ in cells), min(j for _, j in cells)
    ax.set_xlim(-0.5, right + 0.5)
    ax.set_ylim(k - 0.5, top_row - 0.5)
    names = [short(x, 22) for x in labels]
    ax.set_xticks(range(right + 1), names[: right + 1], rotation=40, ha="right")
    ax.set_yticks(range(top_row, k), names[top_row:])
    ax.grid(visible=False)
    bar = fig.colorbar(
        ScalarMappable(norm, colours), ax=ax, shrink=0.7 if k > FEW_FACTORS else 1, aspect=25
    )
    bar.ax.yaxis.set_major_formatter(lambda x, _: f"{x:+g}".replace("-", "−") if x else "0")
    bar.set_label(f"interaction ({a.unit}), signed log colours")
    hatched = any(item.aliased or item.effect is None for item in cells.values())
    mark = "bold" if numbers else "dot"
    note = f"{mark}: distinguishable from zero (Benjamini-Hochberg, exploratory)"
    if hatched:
        note += "\nhatched: the sum of a set of pairs that these runs cannot tell apart"
    fig.suptitle(note, fontsize=10, x=0.01, ha="left")
    return fig


def _cell(
    ax: Axes, i: int, j: int, item: Interaction, colour: Colour, level: float, numbers: bool
) -> None:
    """level: of the test that marks an interaction as distinguishable from zero."""
    value = item.effect
    face = colour if value is not None else WHITE
    hatch = "////" if item.aliased or value is None else None
    corner = (i - 0.5, j - 0.5)
    ax.add_patch(Rectangle(corner, 1, 1, facecolor=face, edgecolor="white"))
    if hatch:
        ax.add_patch(
            Rectangle(corner, 1, 1, facecolor="none", edgecolor=GREY, hatch=hatch, linewidth=0)
        )
    if value is None:
        return
    real = item.p_adjusted is not None and item.p_adjusted < level
    dark = float(np.dot(face[:3], (0.299, 0.587, 0.114))) < 0.5
    if not numbers:
        if real:
            ax.plot([i], [j], "o", color="white" if dark else DARK, markersize=3)
        return
    text = f"{value:+.1f}" if abs(value) >= 9.95 else f"{value:+.2f}"
    ax.text(
        i, j, text.replace("-", "−"), ha="center", va="center", fontsize=9,
        fontweight="bold" if real else "normal", color="white" if dark else DARK,
        bbox={"facecolor": face, "edgecolor": "none", "pad": 1.5} if hatch else None,
    )  # fmt: skip

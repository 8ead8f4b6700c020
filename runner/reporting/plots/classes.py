"""Classes: confusion matrices of two arms side by side, and changes of each class's accuracy."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.analysis.test_set.class_change import ClassComparison
from runner.reporting.plots.style import BLACK, BLUE, GREEN, GREY, RED, figure, short

NUMBERED = 12  # with more classes, cells have no numbers
DRAWN = 60  # with more classes, there is no matrix
ROWS = 30  # with more classes, only the classes that changed most are drawn


def confusions(found: ClassComparison) -> Figure | None:
    """Two matrices of shares of each true class in per cent, summed over runs."""
    count = len(found.names)
    if count > DRAWN:
        return None
    side = min(1.2 + 0.36 * count, 5.4)
    fig = figure(2 * side + 1.4, side + 0.9)
    axes = fig.subplots(1, 2, sharey=True)
    for ax, matrices, title in zip(
        axes, (found.before, found.after), ("baseline", found.label), strict=True
    ):
        _matrix(ax, found, matrices.sum(axis=0))
        ax.set_title(short(title, int(side * 9)))
        ax.set_xlabel("predicted class")
    axes[0].set_ylabel("true class")
    image = axes[1].images[0]
    fig.colorbar(image, ax=axes, label="share of the true class (%)", shrink=0.8)
    return fig


def _matrix(ax: Axes, found: ClassComparison, counts: np.ndarray) -> None:
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, vmin=0, vmax=100, cmap="Blues")
    size = 9 if len(found.names) <= 25 else 6
    places = range(len(found.names))
    names = [short(name, 16) for name in found.names]
    ax.set_xticks(places, names, rotation=90, fontsize=size)
    ax.set_yticks(places, names, fontsize=size)
    ax.grid(visible=False)
    if len(found.names) > NUMBERED:
        return
    for i, j in np.ndindex(*shares.shape):
        if shares[i, j] >= 0.5:
            colour = "white" if shares[i, j] > 50 else "#111111"
            ax.text(j, i, f"{shares[i, j]:.0f}", ha="center", va="center", fontsize=8, color=colour)


def class_changes(found: ClassComparison) -> Figure | None:
    """Accuracy of each class in the arm minus in the baseline, with its interval."""
    changes = found.changes
    if len(changes) < 2:
        return None
    if len(changes) > ROWS:
        largest = sorted(changes, key=lambda c: -abs(c.change))[:ROWS]
        changes = tuple(c for c in changes if c in largest)
    fig = figure(8, 1.5 + 0.28 * len(changes))
    ax = fig.subplots()
    ax.axvline(0, color=BLACK, linewidth=1)
    for y, row in enumerate(changes):
        sure = row.low is not None and row.high is not None and not row.low <= 0 <= row.high
        colour = (GREEN if row.change > 0 else RED) if sure else BLUE if row.low else GREY
        if row.low is not None and row.high is not None and row.high - row.low < 200:
            ax.plot([row.low, row.high], [y, y], color=colour, linewidth=2)
        ax.plot([row.change], [y], "o", color=colour, markersize=6)
    names = [f"{short(c.name, 24)}  ({c.before:.0f} → {c.after:.0f} %)" for c in changes]
    ax.set_yticks(range(len(changes)), names)
    ax.set_ylim(len(changes) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"change of the class's accuracy (pp), {short(found.label, 44)} minus baseline")
    return fig

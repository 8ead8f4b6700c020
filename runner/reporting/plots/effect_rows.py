"""Rows of effects with their intervals, in one panel or, where a few dwarf the others, in two."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from runner.analysis.effects import Interval
from runner.analysis.result import Analysis
from runner.reporting.plots.style import BAND, BLACK, figure, short


@dataclass(frozen=True)
class Mark:
    """The look of an effect. size, arrow: of its marker and its arrow, in points; face: inside."""

    colour: str
    marker: str
    size: float
    arrow: float
    width: float = 2.2
    face: str | None = None


def panels(
    a: Analysis, names: Sequence[str], ends: Sequence[float], height: float
) -> tuple[Figure, list[tuple[Axes, float | None]]]:
    """Empty panels with a row for each name, and the limit of the x axis of each; None: none.

    ends: sizes of all effects and ends of intervals. height: in inches.
    """
    close = 2.2 * statistics.median(ends)
    limits = [None, close] if max(ends) > 3 * close > 0 and len(names) > 2 else [None]
    fig = figure(9.5, height)
    axes = fig.subplots(1, len(limits), sharey=True, squeeze=False)[0]
    for ax, limit in zip(axes, limits, strict=True):
        if a.negligible:
            ax.axvspan(-a.negligible, a.negligible, color=BAND, zorder=0)
        ax.axvline(0, color=BLACK, linewidth=1)
        ax.grid(axis="y", visible=False)
        if limit is not None:
            ax.set_xlim(-limit, limit)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylim(-0.7, len(names) - 0.3)
    if len(limits) == 2:
        axes[0].set_title("whole range")
        axes[1].set_title("the same, closer (arrows: beyond)")
    fig.supxlabel(f"effect on {a.title}, {short(a.estimand, 60)} ({a.unit})", fontsize=11)
    return fig, list(zip(axes, limits, strict=True))


def draw(
    ax: Axes, at: float | None, spread: Interval | None, y: float, look: Mark, limit: float | None
) -> None:
    """An effect `at` with its interval, in row y; an arrow if it lies beyond the limit."""
    if spread is not None:
        ax.plot(spread, [y, y], color=look.colour, linewidth=look.width, zorder=2)
    if at is None:
        return
    if limit is not None and abs(at) > limit:
        x, arrow = (limit * 0.97, ">") if at > 0 else (-limit * 0.97, "<")
        ax.plot([x], [y], arrow, color=look.colour, markersize=look.arrow, zorder=3)
        return
    ax.plot(
        [at], [y], look.marker, color=look.colour, markersize=look.size, zorder=3,
        markerfacecolor=look.face or look.colour,
    )  # fmt: skip

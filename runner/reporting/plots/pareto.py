"""Accuracy against training time: one point per arm, coloured by P(on the front)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.analysis.result import Analysis
from runner.reporting.numbers import share
from runner.reporting.plots.labels import Named, annotate
from runner.reporting.plots.ranges import drawable
from runner.reporting.plots.style import BLACK, GREY, ORANGE, figure, short

Limits = tuple[float, float]
ALL_NAMED = 14  # up to so many arms, every arm is named
FEW_ARMS = 24  # up to so many arms, intervals are drawn
CROWD = 60  # with more arms, arms without a name are small and grey
MOST_NAMED = 5  # likely arms that are named if there are more than ALL_NAMED
LONG_LABEL = 26  # a name with more letters is below the plot, with a number beside the point
COLOUR_MAP = "Blues"
CORNER = 0.33  # a closer panel is drawn if the named arms fill less of the plot's width or height
LEAST_CHANCE = 0.1  # arms less probable than this are not named


@dataclass(frozen=True)
class Point:
    """An arm: seconds, mean metric with its drawn interval, P(on the front), 0 if unknown."""

    label: str
    x: float
    y: float
    spread: Limits | None
    chance: float


def pareto(a: Analysis) -> Figure | None:
    """Mean metric over mean seconds of each arm, with names.

    Few arms are all named. Of many arms, names are shown for the baseline, the arms most probably
    on the front, and outliers. Points are grey if the probability is unknown. Bars: t-intervals of
    each arm alone, for few arms. A second, closer panel if the named arms lie in a corner.
    """
    points, known = _points(a), a.pareto.arms is not None
    if len(points) < 2:
        return None
    shown = _shown(points, known)
    near = _near(points, shown)
    fig = figure(11 if near else 9, 5.4)
    axes = list(fig.subplots(1, 2 if near else 1, squeeze=False)[0])
    for ax in axes:
        _draw(ax, points, known)
    if near:
        axes[0].set_title("all arms")
        axes[1].set_title("the same, closer")
        axes[1].set_xlim(*near[0])
        axes[1].set_ylim(*near[1])
    kind = "CPU " if a.time_column == "cpu_seconds" else ""
    for ax in axes:
        ax.set_xlabel(f"training time of a run ({kind}seconds)")
    axes[0].set_ylabel(a.title + (" (%)" if a.unit == "pp" else ""))
    if known:
        colours = ScalarMappable(Normalize(0, 1), colormaps[COLOUR_MAP])
        fig.colorbar(colours, ax=axes, label="P(on the front)", shrink=0.7, aspect=30)
    else:
        axes[0].set_title(short(f"front: {a.pareto.reason or 'not estimated'}", 100))
    names = _names(shown, known, fig)
    if not near:
        axes[-1].margins(x=0.12)
    every = np.array([(point.x, point.y) for point in points])
    within = [name for name in names if near is None or _in(name, near)]
    annotate(fig, axes[-1], within, every)
    annotate(fig, axes[0], [name for name in names if name not in within], every)
    return fig


def _in(name: Named, corner: tuple[Limits, Limits]) -> bool:
    (left, right), (low, high) = corner
    return left <= name.x <= right and low <= name.y <= high


def _shown(points: Sequence[Point], known: bool) -> list[Point]:
    """The arms to name, the most probable first."""
    ranked = sorted(points, key=lambda point: -point.chance)
    if len(points) <= ALL_NAMED:
        return ranked
    likely = [point for point in ranked if known and point.chance >= LEAST_CHANCE][:MOST_NAMED]
    shown = [*likely, *(point for point in points if point.label == "baseline")]
    if len(points) <= FEW_ARMS:
        order = (lambda p: p.x, lambda p: p.y)
        shown += [end(points, key=key) for key in order for end in (min, max)]
    return list(dict.fromkeys(shown))


def _names(shown: Sequence[Point], known: bool, fig: Figure) -> list[Named]:
    """Short names as they are; long names become numbers, with a legend below the plot."""
    names: list[Named] = []
    below: list[Line2D] = []
    for point in shown:
        of = f" {share(point.chance)}" if known and point.chance >= LEAST_CHANCE else ""
        text = point.label + of
        if len(point.label) > LONG_LABEL:
            text = str(len(below) + 1)
            below.append(Line2D([], [], ls="", label=f"{text}  {short(point.label, 100)}{of}"))
        names.append(Named(point.x, point.y, text))
    if below:
        fig.legend(handles=below, loc="outside lower left", fontsize=9, handlelength=0)
    return names


def _points(a: Analysis) -> list[Point]:
    """The arms that have a mean and a time."""
    chance = {arm.label: arm.probability for arm in a.pareto.arms or ()}
    found = []
    for arm in a.arms:
        if arm.mean is not None and arm.seconds:
            spread = drawable(a, arm.low, arm.high)
            likely = chance.get(arm.label, 0.0)
            found.append(Point(arm.label, arm.seconds, arm.mean, spread, likely))
    return found


def _near(points: Sequence[Point], shown: Sequence[Point]) -> tuple[Limits, Limits] | None:
    """The corner of the named arms, if it fills at most CORNER of the width or height.

    If there are few arms, a fifth of them may lie outside as outliers.
    """
    if len(shown) < 2 or len(points) < 4:
        return None
    places = np.array([(point.x, point.y) for point in shown])
    whole = np.ptp(np.array([(point.x, point.y) for point in points]), axis=0)
    whole[whole == 0] = 1.0
    far = (np.abs(places - np.median(places, axis=0)) / whole).max(axis=1)
    kept = len(shown) if len(points) > FEW_ARMS else int(np.ceil(0.8 * len(shown)))
    bulk = places[np.argsort(far, kind="stable")[:kept]]
    size = np.ptp(bulk, axis=0)
    if not (size < CORNER * whole).any():
        return None
    pad = np.maximum(0.25 * size, 0.02 * whole)
    low, high = bulk.min(axis=0) - pad, bulk.max(axis=0) + pad
    return (low[0], high[0]), (low[1], high[1])


def _draw(ax: Axes, points: Sequence[Point], known: bool) -> None:
    if len(points) <= FEW_ARMS:
        for point in points:
            if point.spread is not None:
                ax.plot([point.x] * 2, point.spread, color=GREY, linewidth=1)
    drawn = sorted(points, key=lambda point: point.chance)
    crowd = []
    if len(points) > CROWD:
        crowd = [point for point in drawn if point.chance < LEAST_CHANCE]
        drawn = [point for point in drawn if point.chance >= LEAST_CHANCE]
    if crowd:
        x, y = [point.x for point in crowd], [point.y for point in crowd]
        ax.plot(x, y, ".", color=GREY, alpha=0.35, markersize=4, markeredgewidth=0, rasterized=True)
    base = [point for point in drawn + crowd if point.label == "baseline"]
    x, y = [point.x for point in drawn], [point.y for point in drawn]
    if known:
        ax.scatter(
            x, y, c=[point.chance for point in drawn], cmap=COLOUR_MAP, vmin=0, vmax=1, s=46,
            edgecolors=BLACK, linewidths=0.5, zorder=3,
        )  # fmt: skip
    else:
        ax.plot(x, y, "o", color=GREY)
    for point in base:
        ax.plot([point.x], [point.y], "D", color=ORANGE, markersize=6, zorder=4)

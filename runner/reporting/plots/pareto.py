"""Accuracy against training time, an arm a point, coloured by how probably it is on the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from runner.analysis.result import Analysis
from runner.reporting.numbers import share
from runner.reporting.plots.style import BLACK, GREY, figure, short

Limits = tuple[float, float]
NAMED = 8
FEW = 24  # arms whose intervals are drawn
COLOURS = "Blues"
REACH = 0.15  # inches from a point to its number
ENOUGH = 0.2  # inches that a number has free around it
SIDES = [np.array([np.cos(t), np.sin(t)]) for t in np.pi / 4 * np.array([1, 3, 7, 5, 0, 2, 4, 6])]
LEAST = 0.05  # arms less probable than this are not named


@dataclass(frozen=True)
class Point:
    """An arm: seconds, mean metric with its interval, P(on the front), 0 where not known."""

    label: str
    x: float
    y: float
    spread: Limits | None
    chance: float


def pareto(a: Analysis) -> Figure | None:
    """Mean metric over mean seconds of each arm; the most probable on the front are named.

    Grey where the probability is not known. Bars: t-intervals of each arm alone, where few. A
    second, closer panel where the named arms crowd into a corner.
    """
    points, known = _points(a), a.pareto.arms is not None
    if len(points) < 2:
        return None
    ranked = sorted(points, key=lambda point: -point.chance)
    shown = [point for point in ranked if not known or point.chance >= LEAST][:NAMED]
    near = _near(points, shown)
    fig = figure(11 if near else 9, 6)
    axes = list(fig.subplots(1, 2 if near else 1, squeeze=False)[0])
    for ax in axes:
        _draw(ax, points, known)
    if near:
        axes[0].set_title("all arms")
        axes[1].set_title("the same, closer")
        axes[1].set_xlim(*near[0])
        axes[1].set_ylim(*near[1])
    _numbers(fig, axes[-1], points, shown)
    kind = "CPU " if a.time_column == "cpu_seconds" else ""
    for ax in axes:
        ax.set_xlabel(f"training time of a run ({kind}seconds)")
    axes[0].set_ylabel(a.title + (" (%)" if a.unit == "pp" else ""))
    if known:
        colours = ScalarMappable(Normalize(0, 1), colormaps[COLOURS])
        fig.colorbar(colours, ax=axes, label="P(on the front)")
    else:
        axes[0].set_title(short(f"front: {a.pareto.reason or 'not estimated'}", 100))
    for number, point in enumerate(shown, 1):
        of = f"  {share(point.chance)}" if known else ""
        axes[0].plot([], [], " ", label=f"{number}  {short(point.label, 90)}{of}")
    if shown:
        fig.legend(loc="outside lower left", fontsize=9, handlelength=0, ncols=1)
    return fig


def _points(a: Analysis) -> list[Point]:
    """The arms that have a mean and a time."""
    chance = {arm.label: arm.probability for arm in a.pareto.arms or ()}
    found = []
    for arm in a.arms:
        if arm.mean is not None and arm.seconds:
            spread = None if arm.low is None or arm.high is None else (arm.low, arm.high)
            likely = chance.get(arm.label, 0.0)
            found.append(Point(arm.label, arm.seconds, arm.mean, spread, likely))
    return found


def _near(points: Sequence[Point], shown: Sequence[Point]) -> tuple[Limits, Limits] | None:
    """The corner of the named arms, if they stand in less than a third of the plot's height."""
    if len(shown) < 2:
        return None

    def limits(values: list[float], whole: list[float]) -> Limits:
        pad = 0.25 * (max(values) - min(values)) or 0.05 * (max(whole) - min(whole)) or 1.0
        return min(values) - pad, max(values) + pad

    y, every = [point.y for point in shown], [point.y for point in points]
    if (max(y) - min(y)) > 0.3 * (max(every) - min(every)):
        return None
    x = limits([point.x for point in shown], [point.x for point in points])
    return x, limits(y, every)


def _draw(ax: Axes, points: Sequence[Point], known: bool) -> None:
    if len(points) <= FEW:
        for point in points:
            if point.spread is not None:
                ax.plot([point.x] * 2, point.spread, color=GREY, linewidth=1)
    drawn = sorted(points, key=lambda point: point.chance)
    x, y = [point.x for point in drawn], [point.y for point in drawn]
    if not known:
        ax.plot(x, y, "o", color=GREY)
        return
    ax.scatter(
        x, y, c=[point.chance for point in drawn], cmap=COLOURS, vmin=0, vmax=1,
        s=[_size(points, point.chance) for point in drawn],
        edgecolors=BLACK, linewidths=0.4, zorder=3,
    )  # fmt: skip


def _size(points: Sequence[Point], probability: float) -> int:
    """Points of a crowd are small, but for those that may be on the front."""
    return 46 if len(points) <= 60 or probability >= LEAST else 12


def _numbers(fig: Figure, ax: Axes, points: Sequence[Point], shown: Sequence[Point]) -> None:
    """A number beside each named arm, on the side where points and other numbers are farthest."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    size = ax.get_position().size * fig.get_size_inches()
    box = np.array([right - left, high - low]) / size

    def inches(point: Point) -> np.ndarray:
        return np.array([point.x, point.y]) / box

    taken = [inches(point) for point in points]
    for number, point in enumerate(shown, 1):
        here = inches(point)
        others = np.array([x for x in taken if (x != here).any()])
        free = [_room(here + REACH * side, others) for side in SIDES]
        side = SIDES[int(np.argmax(np.round(free, 6)))]
        taken.append(here + REACH * side)
        ax.annotate(
            str(number), (point.x, point.y), xytext=tuple(72 * REACH * side),
            textcoords="offset points", fontsize=10, ha="center", va="center", zorder=4,
        )  # fmt: skip


def _room(place: np.ndarray, others: np.ndarray) -> float:
    """How far the nearest of `others` (n, 2) is, up to what a number needs."""
    if not len(others):
        return ENOUGH
    return min(ENOUGH, float(np.hypot(*(others - place).T).min()))

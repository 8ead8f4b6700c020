"""Seeds as points: every run of an arm, with the arm's mean and its own t-interval."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.analysis.result import Analysis
from runner.reporting.plots.style import BLACK, BLUE, GREY, ORANGE, figure, folded, short
from runner.reporting.wording import confidence

MOST_ARMS = 40  # more are drawn by level of each factor
MOST_POINTS = 500  # of a row


def seeds(a: Analysis, runs: pd.DataFrame, factors: Mapping[str, tuple[str, ...]]) -> Figure | None:
    """Arms as rows if there are at most 40, else levels of factors as rows (without intervals)."""
    column: pd.Series = runs[a.metric]
    y = pd.to_numeric(column, errors="coerce")
    fine = y.notna() & (runs["state"].eq("ok") if "state" in runs else True)
    if not fine.any():
        return None
    if len(a.arms) <= MOST_ARMS:
        return _by_arm(a, runs[fine], y[fine])
    return _by_level(a, runs[fine], y[fine], factors)


def _by_arm(a: Analysis, runs: pd.DataFrame, y: pd.Series) -> Figure:
    arms = a.arms[::-1]
    labels = [folded(arm.label) for arm in arms]
    long = any("\n" in label for label in labels)
    fig = figure(9, 1.6 + (0.42 if long else 0.34) * len(arms))
    ax = fig.subplots()
    names = list(arms[0].levels)
    groups = y.groupby([runs[name].astype(str) for name in names]).indices
    for row, arm in enumerate(arms):
        key = tuple(arm.levels.values())
        points = _some(y.iloc[groups.get(key if len(names) > 1 else key[0], [])])
        ax.plot(points, np.full(len(points), row), "o", color=BLUE, alpha=0.55, markersize=5)
        if arm.mean is None:
            continue
        ax.plot([arm.mean] * 2, [row - 0.28, row + 0.28], color=BLACK, linewidth=2)
        if arm.low is not None and arm.high is not None:
            ax.plot([arm.low, arm.high], [row, row], color=BLACK, linewidth=1.3)
    reference = next((arm for arm in arms if arm.label == "baseline"), None)
    if reference and reference.mean is not None:
        ax.axvline(reference.mean, color=ORANGE, linestyle="--", linewidth=1.4)
    ax.set_yticks(range(len(arms)), labels, fontsize=9 if long else None)
    ax.set_ylim(-0.6, len(arms) - 0.4)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"{a.title} of each run{_unit(a)}")
    handles = [
        Line2D([], [], color=BLUE, marker="o", linestyle="", alpha=0.55, label="one run (seed)"),
        Line2D(
            [],
            [],
            color=BLACK,
            linewidth=2,
            label=f"mean, {confidence(a)} t-interval of this arm alone",
        ),
    ]
    if reference:
        handles.append(Line2D([], [], color=ORANGE, linestyle="--", label="baseline's mean"))
    fig.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=10)
    return fig


def _by_level(
    a: Analysis, runs: pd.DataFrame, y: pd.Series, factors: Mapping[str, tuple[str, ...]]
) -> Figure:
    rows = [(name, level) for name, levels in factors.items() for level in levels][::-1]
    fig = figure(9, 1.6 + 0.36 * len(rows))
    ax = fig.subplots()
    rng = np.random.default_rng(0)  # only shifts points up and down
    for place, (name, level) in enumerate(rows):
        points = y[runs[name].astype(str).eq(level)]
        if not len(points):
            continue
        colour = GREY if level == factors[name][0] else BLUE
        median, points = points.median(), _some(points)
        shift = place + rng.uniform(-0.28, 0.28, len(points))
        ax.plot(points, shift, ".", color=colour, alpha=0.35, markersize=4)
        ax.plot([median] * 2, [place - 0.36, place + 0.36], color=BLACK, linewidth=2)
    names = [short(f"{name}: {level}", 36) for name, level in rows]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"{a.title} of each run{_unit(a)}; every run appears once per factor")
    handles = [
        Line2D([], [], color=GREY, marker=".", linestyle="", label="runs at the reference level"),
        Line2D([], [], color=BLUE, marker=".", linestyle="", label="runs at the other levels"),
        Line2D([], [], color=BLACK, linewidth=2, label="median"),
    ]
    fig.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=10)
    return fig


def _some(points: pd.Series) -> pd.Series:
    """At most MOST_POINTS of them, spread evenly over the runs: more cover one another."""
    if len(points) <= MOST_POINTS:
        return points
    return points.iloc[np.linspace(0, len(points) - 1, MOST_POINTS).astype(int)]


def _unit(a: Analysis) -> str:
    return " (%)" if a.unit == "pp" else "" if a.unit == a.metric else f" ({a.unit})"

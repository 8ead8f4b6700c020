"""Seeds as points: every run of an arm, with the arm's mean and t-interval."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.analysis.result import Analysis
from runner.reporting.plots.ranges import drawable
from runner.reporting.plots.style import BLACK, BLUE, GREY, ORANGE, figure, folded, short
from runner.reporting.wording import confidence

MOST_ARMS = 40  # with more arms, rows are the levels of each factor
MOST_POINTS = 500  # in a row
EXTREMES = 60  # most points drawn for runs outside the middle 80 %, spread evenly


def seeds(a: Analysis, runs: pd.DataFrame, factors: Mapping[str, tuple[str, ...]]) -> Figure | None:
    """One row per arm for at most MOST_ARMS arms, else one per level, without intervals."""
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
        spread = drawable(a, arm.low, arm.high)
        if spread is not None:
            ax.plot(spread, [row, row], color=BLACK, linewidth=1.3)
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
    """One row per level, grouped by factor: median, middle half, middle 80 %, and extremes."""
    rows: list[tuple[float, str, str]] = []
    at = 0.0
    for name, levels in factors.items():
        for level in levels:
            rows.append((at, name, level))
            at += 1.0
        at += 0.45
    fig = figure(9, 1.5 + 0.235 * at)
    ax = fig.subplots()
    for place, name, level in rows:
        points = y[runs[name].astype(str).eq(level)].to_numpy()
        if not len(points):
            continue
        colour = GREY if level == factors[name][0] else BLUE
        low, first, middle, third, high = np.quantile(points, (0.1, 0.25, 0.5, 0.75, 0.9))
        rest = np.sort(points[(points < low) | (points > high)])
        kept = rest[np.linspace(0, len(rest) - 1, min(len(rest), EXTREMES)).astype(int)]
        ax.plot(kept, np.full(len(kept), place), ".", color=colour, alpha=0.4, markersize=3)
        ax.plot([low, high], [place, place], color=colour, linewidth=1.6)
        ax.plot([first, third], [place, place], color=colour, linewidth=6, solid_capstyle="butt")
        ax.plot([middle] * 2, [place - 0.38, place + 0.38], color=BLACK, linewidth=2)
    names = [short(f"{name}: {level}", 36) for _, name, level in rows]
    ax.set_yticks([place for place, *_ in rows], names, fontsize=9)
    ax.set_ylim(rows[-1][0] + 0.8, -0.8)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"{a.title} of each run{_unit(a)}; every run appears once per factor")
    handles = [
        Line2D([], [], color=GREY, linewidth=6, label="reference level"),
        Line2D([], [], color=BLUE, linewidth=6, label="other levels"),
        Line2D([], [], color=BLACK, marker="|", ls="", ms=11, mew=2, label="median"),
        Line2D([], [], color=GREY, linewidth=1.6, label="thick: middle half, thin: middle 80 %"),
    ]
    fig.legend(handles=handles, loc="outside upper center", ncols=4, fontsize=9)
    return fig


def _some(points: pd.Series) -> pd.Series:
    """At most MOST_POINTS of them, spread evenly over the runs: more would overlap."""
    if len(points) <= MOST_POINTS:
        return points
    return points.iloc[np.linspace(0, len(points) - 1, MOST_POINTS).astype(int)]


def _unit(a: Analysis) -> str:
    return " (%)" if a.unit == "pp" else "" if a.unit == a.metric else f" ({a.unit})"

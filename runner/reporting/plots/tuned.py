"""Tuned studies: effects at the fixed and the tuned value, and each arm's tuning runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.analysis.effects import Effect
from runner.analysis.result import Analysis
from runner.designs.layout import CUMULATIVE
from runner.reporting.plots.effect_rows import Mark, draw, panels
from runner.reporting.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, figure, short
from runner.studies.stages import ArmTuning, StudyTuning
from runner.studies.tuned_comparison import TunedComparison

MOST_PANELS = 24  # up to so many arms have a panel each; more are drawn together
PANEL_COLUMNS = 4
FIRST, SECOND = Mark(ORANGE, "o", 6.5, 6), Mark(BLUE, "D", 6.5, 6)  # of the two stages


def paired(fixed: Analysis | str, later: Analysis | str) -> list[tuple[Effect, Effect | None]]:
    """Each effect of one analysis with the same effect of another.

    A str is the reason why an analysis is missing. Without `fixed` the list is empty; without
    `later` the second effects are None.
    """
    if isinstance(fixed, str):
        return []
    effects = () if isinstance(later, str) else later.effects
    then = {(e.factor, e.level): e for e in effects}
    return [(e, then.get((e.factor, e.level))) for e in fixed.effects]


def fixed_tuned(t: TunedComparison) -> Figure | None:
    """Both intervals of each effect, at the fixed value and at each arm's tuned value."""
    names = (
        f"{t.tuning.field}={t.tuning.fixed} in all arms",
        f"each arm at its tuned {t.tuning.field}",
    )
    return two_stages(t.fixed, t.tuned, names)


def two_stages(a: Analysis | str, later: Analysis | str, names: tuple[str, str]) -> Figure | None:
    """Both intervals of each effect; a second, closer panel where a few dwarf the others.

    a, later: the stages' analyses, or why one is missing. names: of the stages, in the legend.
    """
    rows = [(fixed, tuned) for fixed, tuned in paired(a, later) if fixed.effect is not None]
    if isinstance(a, str) or not any(tuned and tuned.effect is not None for _, tuned in rows):
        return None
    if a.layout != CUMULATIVE:
        rows.sort(key=lambda pair: (pair[1] or pair[0]).effect or 0.0)
    else:
        rows.reverse()
    ends = [abs(x) for pair in rows for e in pair if e for x in _ends(e)]
    labels = [short(fixed.label, 32) for fixed, _ in rows]
    fig, axes = panels(a, labels, ends, 1.9 + 0.55 * len(rows))
    for ax, limit in axes:
        for y, (fixed, tuned) in enumerate(rows):
            _one(ax, fixed, y + 0.16, FIRST, limit)
            if tuned:
                _one(ax, tuned, y - 0.16, SECOND, limit)
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, markersize=7, label=text)
        for look, text in zip((FIRST, SECOND), names, strict=True)
    ]
    fig.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=10)
    return fig


def _ends(e: Effect) -> list[float]:
    return [x for x in (e.effect, e.ci_low, e.ci_high) if x is not None]


def _one(ax: Axes, e: Effect, y: float, look: Mark, limit: float | None) -> None:
    spread = None if e.ci_low is None or e.ci_high is None else (e.ci_low, e.ci_high)
    draw(ax, e.effect, spread, y, look, limit)


def tuning(t: StudyTuning) -> Figure | None:
    """Validation accuracy by value: one panel per arm, or all means together for many arms."""
    arms = [arm for arm in t.arms if any(score.scores for score in arm.choice.scores)]
    if not arms:
        return None
    places = _places(t.values)
    if len(arms) > MOST_PANELS:
        return _together(t, arms, places)
    rows = -(-len(arms) // PANEL_COLUMNS)
    fig = figure(11, 0.9 + 2.3 * rows)
    axes = fig.subplots(rows, PANEL_COLUMNS, sharex=True, sharey=True, squeeze=False)
    for ax, arm in zip(axes.flat, arms, strict=False):
        _panel(ax, arm, places)
    for ax in list(axes.flat)[len(arms) :]:
        ax.set_axis_off()
    for ax in list(axes.flat)[max(0, len(arms) - PANEL_COLUMNS) : len(arms)]:
        ax.tick_params(labelbottom=True)
    _label_axes(fig, t)
    marks = (
        (BLUE, ".", "a run"), (BLUE, "_", "mean"), (GREEN, "*", "chosen"),
        (ORANGE, "*", "chosen, at the edge"), (BLACK, "x", "diverged: counts as chance"),
    )  # fmt: skip
    handles = [Line2D([], [], color=c, marker=m, ls="", ms=10, label=text) for c, m, text in marks]
    fig.legend(handles=handles, loc="outside upper center", ncols=5, fontsize=10)
    return fig


def _places(values: Sequence[str]) -> dict[str, float]:
    """Each value's place on the axis: its logarithm if all values are above 0."""
    numbers = {text: float(text) for text in values}
    scale = math.log2 if min(numbers.values()) > 0 else float
    return {text: scale(number) for text, number in numbers.items()}


def _panel(ax: Axes, arm: ArmTuning, places: Mapping[str, float]) -> None:
    choice = arm.choice
    means = {score.value: score.mean for score in choice.scores if score.mean is not None}
    order = sorted(means, key=places.__getitem__)
    ax.plot([places[v] for v in order], [means[v] for v in order], color=BLUE, linewidth=1.2)
    ax.plot([places[v] for v in order], [means[v] for v in order], "_", color=BLUE, markersize=10)
    for score in choice.scores:
        whole = len(score.scores) - score.diverged
        for i, reached in enumerate(score.scores):
            lost = i >= whole
            mark, colour = ("x", BLACK) if lost else (".", BLUE)
            ax.plot([places[score.value]], [reached], mark, color=colour, markersize=6)
    if choice.best is not None:
        colour = ORANGE if choice.edge else GREEN
        at = places[choice.best]
        ax.plot([at], [means[choice.best]], "*", color=colour, markersize=13, zorder=3)
    ax.set_title(short(arm.label, 26), fontsize=10)
    ax.set_xticks(list(places.values()), list(places), fontsize=9)


def _together(t: StudyTuning, arms: Sequence[ArmTuning], places: Mapping[str, float]) -> Figure:
    fig = figure(9, 5)
    ax = fig.subplots()
    for arm in arms:
        shown = sorted(
            (places[score.value], score.mean)
            for score in arm.choice.scores
            if score.mean is not None
        )
        ax.plot(
            *zip(*shown, strict=True) if shown else ((), ()), color=GREY, linewidth=0.7, alpha=0.4
        )
    for value, place in places.items():
        chose = sum(arm.choice.best == value for arm in arms)
        ax.annotate(
            f"{chose} chose it", (place, 1.0), xycoords=("data", "axes fraction"), ha="center",
            va="bottom", fontsize=10,
        )  # fmt: skip
    ax.set_xticks(list(places.values()), list(places))
    _label_axes(fig, t)
    return fig


def _label_axes(fig: Figure, t: StudyTuning) -> None:
    fig.supxlabel(t.field, fontsize=11)
    fig.supylabel("validation accuracy (%)", fontsize=11)

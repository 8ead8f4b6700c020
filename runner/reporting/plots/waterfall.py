"""The staircase of a cumulative grid: the metric after each step, as in papers on tricks."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.analysis.data.arms import ArmRow
from runner.analysis.result import Analysis
from runner.reporting.plots.ranges import drawable
from runner.reporting.plots.style import BLACK, GREY, VERDICTS, figure, short
from runner.reporting.wording import confidence


def waterfall(a: Analysis) -> Figure | None:
    """One step for each added trick, from the mean before it to the mean with it.

    Bars on the means: t-intervals of each arm alone. Colours: the verdict on the step.
    """
    steps = [
        (e, e.mean - e.effect, e.mean)
        for e in a.effects
        if e.effect is not None and e.mean is not None
    ]
    if not steps:
        return None
    fig = figure(9, 1.7 + 0.46 * (len(steps) + 1))
    ax = fig.subplots()
    start = steps[0][1]
    means = {round(arm.mean, 9): arm for arm in a.arms if arm.mean is not None}
    _mean(a, ax, means.get(round(start, 9)), start, 0, BLACK)
    for y, (e, before, after) in enumerate(steps, 1):
        colour = VERDICTS[e.verdict][0]
        ax.plot([before, before], [y - 1, y], color=GREY, linewidth=1, zorder=1)
        ax.barh(y, after - before, left=before, height=0.42, color=colour, alpha=0.35, zorder=1)
        _mean(a, ax, means.get(round(after, 9)), after, y, colour)
        text = f"{after - before:+.2f}".replace("-", "−")
        ax.annotate(
            text, (1, y), xycoords=("axes fraction", "data"), xytext=(6, 0), va="center",
            textcoords="offset points", fontsize=10, color=colour, annotation_clip=False,
        )  # fmt: skip
    names = ["baseline", *[f"+ {short(e.label, 32)}" for e, *_ in steps]]
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(steps) + 0.6, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(a.title + (" (%)" if a.unit == "pp" else ""))
    kinds = [v for v in VERDICTS if any(e.verdict == v for e, *_ in steps)]
    handles = [
        Line2D([], [], color=VERDICTS[k][0], linewidth=8, alpha=0.5, label=f"step {k}")
        for k in kinds
    ]
    label = f"mean, {confidence(a)} interval of the arm alone"
    handles.append(Line2D([], [], color=BLACK, marker="o", linewidth=1.5, label=label))
    fig.legend(handles=handles, loc="outside upper center", ncols=5, fontsize=10)
    return fig


def _mean(a: Analysis, ax: Axes, arm: ArmRow | None, mean: float, y: float, colour: str) -> None:
    spread = None if arm is None else drawable(a, arm.low, arm.high)
    if spread is not None:
        ax.plot(spread, [y, y], color=colour, linewidth=1.6, zorder=2)
    ax.plot([mean], [y], "o", color=colour, markersize=7, zorder=3)

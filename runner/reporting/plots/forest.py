"""Forest plot: every effect with its interval, the negligible band, and the baseline's beside."""

from __future__ import annotations

import statistics
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.reporting.plots.style import BLACK, GREY, VERDICTS, figure, short

Answer = dict[str, Any]


def forest(a: Answer) -> Figure | None:
    """Effects with their intervals; a second, closer panel where a few effects dwarf the others."""
    effects = [e for e in a["effects"] if e["effect"] is not None]
    if not effects:
        return None
    if a["layout"] != "cumulative":
        effects = sorted(effects, key=lambda e: e["effect"])
    else:
        effects = effects[::-1]
    beside = a["estimand"] == "averaged over the grid" and any(_baseline(e) for e in effects)
    ends = [abs(x) for e in effects for x in _ends(e, beside)]
    close = 2.2 * statistics.median(ends)
    panels = 2 if max(ends) > 3 * close and len(effects) > 2 else 1
    fig = figure(9.5, 1.9 + (0.5 if beside else 0.4) * len(effects))
    axes = fig.subplots(1, panels, sharey=True, squeeze=False)[0]
    for ax, limit in zip(axes, [None, close][:panels], strict=True):
        _panel(ax, a, effects, beside, limit)
    axes[0].set_yticks(range(len(effects)), [short(e["label"], 32) for e in effects])
    axes[0].set_ylim(-0.7, len(effects) - 0.3)
    if panels == 2:
        axes[0].set_title("whole range")
        axes[1].set_title("the same, closer (arrows: beyond)")
    fig.supxlabel(f"effect on {a['metric']}, {short(a['estimand'], 60)} ({a['unit']})", fontsize=11)
    _legend(fig, a, effects, beside)
    return fig


def _baseline(e: Answer) -> bool:
    return bool(e["at_baseline"]) and e["at_baseline"]["effect"] is not None


def _ends(e: Answer, beside: bool) -> list[float]:
    sides = [e, e["at_baseline"]] if beside and _baseline(e) else [e]
    return [x for s in sides for x in (s["effect"], s["ci_low"], s["ci_high"]) if x is not None]


def _panel(ax: Axes, a: Answer, effects: list[Answer], beside: bool, limit: float | None) -> None:
    if a["negligible"]:
        ax.axvspan(-a["negligible"], a["negligible"], color="#EFEFEF", zorder=0)
    ax.axvline(0, color=BLACK, linewidth=1)
    for y, e in enumerate(effects):
        colour, marker = VERDICTS[e["verdict"]]
        _one(ax, e, y + (0.12 if beside else 0), colour, marker, limit, filled=True)
        if beside and _baseline(e):
            _one(ax, e["at_baseline"], y - 0.2, GREY, "o", limit, filled=False)
    ax.grid(axis="y", visible=False)
    if limit is not None:
        ax.set_xlim(-limit, limit)


def _one(
    ax: Axes, e: Answer, y: float, colour: str, marker: str, limit: float | None, filled: bool
) -> None:
    low, high, at = e["ci_low"], e["ci_high"], e["effect"]
    face = colour if filled else "white"
    if low is not None:
        ax.plot([low, high], [y, y], color=colour, linewidth=2.2 if filled else 1.4, zorder=2)
    if limit is not None and abs(at) > limit:
        side = 1 if at > 0 else -1
        arrow = ">" if side > 0 else "<"
        ax.plot([side * limit * 0.97], [y], arrow, color=colour, markersize=8, zorder=3)
        return
    ax.plot([at], [y], marker, color=colour, markerfacecolor=face, markersize=7.5, zorder=3)


def _legend(fig: Figure, a: Answer, effects: list[Answer], beside: bool) -> None:
    kinds = [v for v in VERDICTS if any(e["verdict"] == v for e in effects)]
    handles = [
        Line2D([], [], color=VERDICTS[k][0], marker=VERDICTS[k][1], linestyle="", label=k)
        for k in kinds
    ]
    if beside:
        handles.append(
            Line2D([], [], color=GREY, marker="o", markerfacecolor="white", label="at the baseline")
        )
    if a["negligible"]:
        label = f"±{a['negligible']:g} {a['unit']}: negligible"
        handles.append(Line2D([], [], color="#DDDDDD", linewidth=8, label=label))
    fig.legend(handles=handles, loc="outside upper center", ncols=7, fontsize=10, columnspacing=1.2)

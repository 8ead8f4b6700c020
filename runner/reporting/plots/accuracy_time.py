"""Accuracy against training time, an arm a point."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.figure import Figure

from runner.reporting.plots.style import BLACK, CYCLE, figure, short
from runner.reporting.wording import confidence

Answer = dict[str, Any]
MARKERS = ("o", "s", "^", "D", "v", "P")
LABELLED = 16


def accuracy_time(a: Answer, time: str) -> Figure | None:
    """Mean metric over mean seconds of each arm; few arms are named, many coloured by the factor
    that changes time most.
    """
    arms = [arm for arm in a["arms"] if arm["mean"] is not None and arm.get(time)]
    if len(arms) < 2:
        return None
    fig = figure(9, 5.2)
    ax = fig.subplots()
    ax.set_xlabel(f"training time of a run ({'CPU ' if time == 'cpu_seconds' else ''}seconds)")
    ax.set_ylabel(a["metric"] + (" (%)" if a["unit"] == "pp" else ""))
    if len(arms) <= LABELLED:
        for i, arm in enumerate(arms):
            x, y = arm[time], arm["mean"]
            if arm["low"] is not None:
                ax.plot([x, x], [arm["low"], arm["high"]], color=CYCLE[i % 7], linewidth=1.3)
            ax.plot(
                [x], [y], MARKERS[i // 7 % 6], color=CYCLE[i % 7], markersize=8,
                label=short(arm["label"], 34),
            )  # fmt: skip
        ax.set_title(
            f"bars: {confidence(a)} t-interval of each arm alone" if _any(arms, "low") else ""
        )
        fig.legend(loc="outside right upper", fontsize=9)
        return fig
    factor, levels = _slowest(a)
    for i, level in enumerate(levels):
        mine = [arm for arm in arms if arm["levels"].get(factor) == level]
        ax.plot(
            [arm[time] for arm in mine], [arm["mean"] for arm in mine], MARKERS[i % 6],
            color=CYCLE[i % 7], alpha=0.6, markersize=5, label=short(f"{factor}: {level}", 34),
        )  # fmt: skip
    if not levels:
        ax.plot([arm[time] for arm in arms], [arm["mean"] for arm in arms], "o", color=BLACK)
    else:
        ax.legend(fontsize=10)
    return fig


def _any(arms: list[Answer], key: str) -> bool:
    return any(arm[key] is not None for arm in arms)


def _slowest(a: Answer) -> tuple[str, list[str]]:
    """The factor whose level changes training time most, with its levels."""
    timed = [e for e in a["effects"] if e["time"]]
    if not timed:
        return "", []
    factor = max(timed, key=lambda e: abs(math.log(e["time"]["ratio"])))["factor"]
    return factor, list(dict.fromkeys(arm["levels"][factor] for arm in a["arms"]))

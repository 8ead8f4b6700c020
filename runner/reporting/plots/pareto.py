"""Accuracy against training time, an arm a point, coloured by how probably it is on the front."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from runner.reporting.noise import known
from runner.reporting.plots.style import BLACK, GREY, figure, short

Answer = dict[str, Any]
NAMED = 8
LEAST = 0.05  # arms less probable than this are not named


def pareto(a: Answer, time: str) -> Figure | None:
    """Mean metric over mean seconds of each arm; the most probable on the front are named.

    Grey where the probability is not known. Bars: t-intervals of each arm alone, where few.
    """
    arms = [arm for arm in a["arms"] if arm["mean"] is not None and arm.get(time)]
    if len(arms) < 2:
        return None
    found = known(a, "pareto")
    fig = figure(9, 6)
    ax = fig.subplots()
    ax.set_xlabel(f"training time of a run ({'CPU ' if time == 'cpu_seconds' else ''}seconds)")
    ax.set_ylabel(a["metric"] + (" (%)" if a["unit"] == "pp" else ""))
    chance = {arm["label"]: arm["probability"] for arm in found["arms"]} if found else {}
    if len(arms) <= 24:
        for arm in arms:
            if arm["low"] is not None:
                ax.plot([arm[time]] * 2, [arm["low"], arm["high"]], color=GREY, linewidth=1)
    if not found:
        ax.plot([arm[time] for arm in arms], [arm["mean"] for arm in arms], "o", color=GREY)
        ax.set_title(short(f"front: {a['pareto']['reason']}" if a.get("pareto") else "", 100))
    else:
        drawn = sorted(arms, key=lambda arm: chance.get(arm["label"], 0.0))
        points = ax.scatter(
            [arm[time] for arm in drawn], [arm["mean"] for arm in drawn],
            c=[chance.get(arm["label"], 0.0) for arm in drawn], cmap="Blues", vmin=0, vmax=1,
            s=46 if len(arms) <= 60 else 22, edgecolors=BLACK, linewidths=0.4, zorder=3,
        )  # fmt: skip
        fig.colorbar(points, ax=ax, label="P(on the front)")
    ranked = sorted(arms, key=lambda arm: -chance.get(arm["label"], 0.0))
    shown = [x for x in ranked if not found or chance.get(x["label"], 0.0) >= LEAST][:NAMED]
    for number, arm in enumerate(shown, 1):
        ax.annotate(
            str(number), (arm[time], arm["mean"]), xytext=(5, 5), textcoords="offset points",
            fontsize=10,
        )  # fmt: skip
        share = f"  {chance[arm['label']]:.0%}" if found else ""
        ax.plot([], [], " ", label=f"{number}  {short(arm['label'], 90)}{share}")
    if shown:
        fig.legend(loc="outside lower left", fontsize=9, handlelength=0, ncols=1)
    return fig

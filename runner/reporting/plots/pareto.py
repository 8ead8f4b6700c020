"""Accuracy against training time, an arm a point, coloured by how probably it is on the front."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from runner.reporting.noise import known
from runner.reporting.numbers import share
from runner.reporting.plots.style import BLACK, GREY, figure, short

Answer = dict[str, Any]
Limits = tuple[float, float]
NAMED = 8
FEW = 24  # arms whose intervals are drawn
COLOURS = "Blues"
REACH = 0.15  # inches from a point to its number
ENOUGH = 0.2  # inches that a number has free around it
SIDES = [np.array([np.cos(t), np.sin(t)]) for t in np.pi / 4 * np.array([1, 3, 7, 5, 0, 2, 4, 6])]
LEAST = 0.05  # arms less probable than this are not named


def pareto(a: Answer, time: str) -> Figure | None:
    """Mean metric over mean seconds of each arm; the most probable on the front are named.

    Grey where the probability is not known. Bars: t-intervals of each arm alone, where few. A
    second, closer panel where the named arms crowd into a corner.
    """
    arms = [arm for arm in a["arms"] if arm["mean"] is not None and arm.get(time)]
    if len(arms) < 2:
        return None
    found = known(a, "pareto")
    chance = {arm["label"]: arm["probability"] for arm in found["arms"]} if found else {}
    ranked = sorted(arms, key=lambda arm: -chance.get(arm["label"], 0.0))
    shown = [x for x in ranked if not found or chance.get(x["label"], 0.0) >= LEAST][:NAMED]
    near = _near(arms, shown, time)
    fig = figure(11 if near else 9, 6)
    axes = list(fig.subplots(1, 2 if near else 1, squeeze=False)[0])
    for ax in axes:
        _points(ax, arms, chance, time)
    if near:
        axes[0].set_title("all arms")
        axes[1].set_title("the same, closer")
        axes[1].set_xlim(*near[0])
        axes[1].set_ylim(*near[1])
    _numbers(fig, axes[-1], arms, shown, time)
    for ax in axes:
        ax.set_xlabel(f"training time of a run ({'CPU ' if time == 'cpu_seconds' else ''}seconds)")
    axes[0].set_ylabel(a["metric"] + (" (%)" if a["unit"] == "pp" else ""))
    if found:
        colours = ScalarMappable(Normalize(0, 1), colormaps[COLOURS])
        fig.colorbar(colours, ax=axes, label="P(on the front)")
    else:
        axes[0].set_title(short(f"front: {a['pareto']['reason']}" if a.get("pareto") else "", 100))
    for number, arm in enumerate(shown, 1):
        of = f"  {share(chance[arm['label']])}" if found else ""
        axes[0].plot([], [], " ", label=f"{number}  {short(arm['label'], 90)}{of}")
    if shown:
        fig.legend(loc="outside lower left", fontsize=9, handlelength=0, ncols=1)
    return fig


def _near(arms: list[Answer], shown: list[Answer], time: str) -> tuple[Limits, Limits] | None:
    """The corner of the named arms, if they stand in less than a third of the plot's height."""
    if len(shown) < 2:
        return None

    def limits(values: list[float], whole: list[float]) -> Limits:
        pad = 0.25 * (max(values) - min(values)) or 0.05 * (max(whole) - min(whole)) or 1.0
        return min(values) - pad, max(values) + pad

    x, y = ([arm[key] for arm in shown] for key in (time, "mean"))
    every = [arm["mean"] for arm in arms]
    if (max(y) - min(y)) > 0.3 * (max(every) - min(every)):
        return None
    return limits(x, [arm[time] for arm in arms]), limits(y, every)


def _points(ax: Axes, arms: list[Answer], chance: dict[str, float], time: str) -> None:
    if len(arms) <= FEW:
        for arm in arms:
            if arm["low"] is not None:
                ax.plot([arm[time]] * 2, [arm["low"], arm["high"]], color=GREY, linewidth=1)
    drawn = sorted(arms, key=lambda arm: chance.get(arm["label"], 0.0))
    x, y = ([arm[key] for arm in drawn] for key in (time, "mean"))
    if not chance:
        ax.plot(x, y, "o", color=GREY)
        return
    ax.scatter(
        x, y, c=[chance.get(arm["label"], 0.0) for arm in drawn], cmap=COLOURS, vmin=0, vmax=1,
        s=[_size(arms, chance.get(arm["label"], 0.0)) for arm in drawn],
        edgecolors=BLACK, linewidths=0.4, zorder=3,
    )  # fmt: skip


def _size(arms: list[Answer], probability: float) -> int:
    """Points of a crowd are small, but for those that may be on the front."""
    return 46 if len(arms) <= 60 or probability >= LEAST else 12


def _numbers(fig: Figure, ax: Axes, arms: list[Answer], shown: list[Answer], time: str) -> None:
    """A number beside each named arm, on the side where points and other numbers are farthest."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    size = ax.get_position().size * fig.get_size_inches()
    box = np.array([right - left, high - low]) / size

    def inches(arm: Answer) -> np.ndarray:
        return np.array([arm[time], arm["mean"]]) / box

    taken = [inches(arm) for arm in arms]
    for number, arm in enumerate(shown, 1):
        here = inches(arm)
        others = np.array([x for x in taken if (x != here).any()])
        free = [_room(here + REACH * side, others) for side in SIDES]
        side = SIDES[int(np.argmax(np.round(free, 6)))]
        taken.append(here + REACH * side)
        ax.annotate(
            str(number), (arm[time], arm["mean"]), xytext=tuple(72 * REACH * side),
            textcoords="offset points", fontsize=10, ha="center", va="center", zorder=4,
        )  # fmt: skip


def _room(place: np.ndarray, others: np.ndarray) -> float:
    """How far the nearest of `others` (n, 2) is, up to what a number needs."""
    if not len(others):
        return ENOUGH
    return min(ENOUGH, float(np.hypot(*(others - place).T).min()))

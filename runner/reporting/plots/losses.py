"""Training loss beside validation loss, by epoch."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from runner.analysis.result import Analysis
from runner.reporting.plots.learning import ids_by_arm
from runner.reporting.plots.style import BLACK, CYCLE, DASHES, GREY, figure, short

CROWD = 60  # with more arms without a colour, their lines become one band
COLOURED = 12  # with more arms, only the baseline and the best arms have a colour
WILD = 10  # times the median loss; above it the axis is logarithmic
LOSS_COLUMNS = (("loss", "training loss"), ("val_loss", "validation loss"))
Dash = Literal["-", "--", "-.", ":"]
Look = tuple[str, Dash, float]
COLOURS = tuple(c for c in CYCLE if c != BLACK)


def losses(a: Analysis, runs: pd.DataFrame, curves: pd.DataFrame) -> Figure | None:
    """Means over the runs of each arm; the baseline is black. None without both losses."""
    if "id" not in runs or any(name not in curves for name, _ in LOSS_COLUMNS):
        return None
    known = curves.dropna(subset=[name for name, _ in LOSS_COLUMNS])
    if known["epoch"].nunique() < 2:
        return None
    arm_of = {id: label for label, ids in ids_by_arm(a, runs).items() for id in ids}
    mean = known.assign(arm=known["id"].map(arm_of)).groupby(["arm", "epoch"], sort=False)
    table = mean[[name for name, _ in LOSS_COLUMNS]].mean()
    looks = _looks(a)
    fig = figure(10, 4.2)
    axes = fig.subplots(1, 2)
    for ax, (name, title) in zip(axes, LOSS_COLUMNS, strict=True):
        wide = table[name].unstack("arm")
        others = [arm for arm in wide.columns if arm not in looks]
        if len(others) > CROWD:
            ends = [wide[others].quantile(q, axis=1) for q in (0.1, 0.9)]
            ax.fill_between(wide.index, *ends, color=GREY, alpha=0.3, linewidth=0)
            others = []
        for arm in (*others, *(arm for arm in wide.columns if arm in looks)):
            colour, dash, width = looks.get(arm, (GREY, "-", 0.5))
            alpha = 1.0 if arm in looks else 0.35
            ax.plot(wide.index, wide[arm], color=colour, ls=dash, lw=width, alpha=alpha)
        _axis(ax, title, wide)
    handles = [
        Line2D([], [], color=c, ls=d, lw=w, label=short(arm, 60))
        for arm, (c, d, w) in looks.items()
    ]
    if len(a.arms) > COLOURED:
        crowd = len(a.arms) - len(looks) > CROWD
        what = "the middle 80 % of the other arms" if crowd else "the other arms"
        handles.append(Line2D([], [], color=GREY, linewidth=5 if crowd else 0.8, label=what))
    columns = 4 if max(map(len, looks), default=0) <= 24 else 2
    fig.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=9)
    return fig


def _looks(a: Analysis) -> dict[str, Look]:
    """Arm -> colour, dashes and width, for the coloured arms."""
    labels = [arm.label for arm in a.arms]
    if len(labels) > COLOURED:
        ranked = sorted(
            (arm for arm in a.arms if arm.val_accuracy is not None),
            key=lambda arm: -(arm.val_accuracy or 0),
        )
        labels = [label for label in labels if label == "baseline"]
        labels += [arm.label for arm in ranked[:3] if arm.label not in labels]
    others = [label for label in labels if label != "baseline"]
    found: dict[str, Look] = {"baseline": (BLACK, "-", 2.6)} if "baseline" in labels else {}
    for i, label in enumerate(others):
        found[label] = (COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % 4], 1.5)
    return found


def _axis(ax: Axes, title: str, wide: pd.DataFrame) -> None:
    ax.set_title(title)
    ax.set_xlabel("epoch")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    values = wide.to_numpy(dtype=float)
    if np.nanmin(values) > 0 and np.nanmax(values) > WILD * np.nanmedian(values):
        ax.set_yscale("log")  # one exploding arm must not flatten the others
        ax.yaxis.set_major_formatter(lambda x, _: f"{x:g}")
    else:
        ax.set_ylim(bottom=0)

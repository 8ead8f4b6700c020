"""Learning curves and learning-rate curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from runner.analysis.experiment import succeeded
from runner.reporting.plots.style import BLUE, CYCLE, DASHES, GREY, figure, short

Answer = dict[str, Any]
MOST_PANELS = 24
MOST_RATES = 14


def learning(
    a: Answer, runs: pd.DataFrame, curves: pd.DataFrame, factors: Mapping[str, tuple[str, ...]]
) -> Figure | None:
    """Validation accuracy by epoch: a panel for each arm, or for each factor of a factorial.

    curves: id, epoch, val_accuracy. Thin lines are runs, thick ones means; grey is the reference.
    """
    if "id" not in runs or "val_accuracy" not in curves or curves["val_accuracy"].isna().all():
        return None
    wide = curves.pivot_table(index="epoch", columns="id", values="val_accuracy", dropna=False)
    few = len(a["arms"]) <= MOST_PANELS and a["layout"] != "factorial"
    panels = _arm_panels(a, runs) if few else _level_panels(runs, factors)
    panels = [(t, r, o) for t, r, o in panels if set(o) & set(wide.columns)][:MOST_PANELS]
    if not panels:
        return None
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    fig = figure(2.7 * columns + 0.6, 2.1 * lines + 0.7)
    axes = fig.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax, (title, reference, other) in zip(axes, panels, strict=False):
        for ids, colour in ((reference, GREY), (other, BLUE)):
            mine = wide[[i for i in ids if i in wide.columns]]
            if few:
                ax.plot(mine.index, mine.to_numpy(), color=colour, alpha=0.3, linewidth=0.8)
            if mine.shape[1]:
                ax.plot(mine.index, mine.mean(axis=1), color=colour, linewidth=2)
        gone = _lost(runs, [*reference, *other])
        ax.set_title(short(title, 27) + (f"\n{gone}" if gone else ""), fontsize=10)
    for ax in axes[len(panels) :]:
        ax.set_visible(False)
    what = "grey: baseline" if few else "grey: runs at the reference level"
    fig.supxlabel(f"epoch ({what}; blue: the panel's own; thick: mean over runs)", fontsize=10)
    fig.supylabel("validation accuracy (%)", fontsize=10)
    return fig


def _ids(runs: pd.DataFrame, levels: Mapping[str, str]) -> list[str]:
    mine = np.ones(len(runs), dtype=bool)
    for name, level in levels.items():
        mine &= runs[name].astype(str).eq(level).to_numpy()
    return list(runs.loc[mine, "id"])


def _lost(runs: pd.DataFrame, ids: list[str]) -> str:
    """How many of these runs did not finish: the means over runs leave them out where they end."""
    mine = runs[runs["id"].isin(ids)]
    count = int((~succeeded(mine)).sum())
    return f"{count} of {len(mine)} runs lost" if count else ""


def _arm_panels(a: Answer, runs: pd.DataFrame) -> list[tuple[str, list[str], list[str]]]:
    baseline = next((arm for arm in a["arms"] if arm["label"] == "baseline"), None)
    reference = _ids(runs, baseline["levels"]) if baseline else []
    others = [arm for arm in a["arms"] if arm is not baseline]
    return [(arm["label"], reference, _ids(runs, arm["levels"])) for arm in others]


def _level_panels(
    runs: pd.DataFrame, factors: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, list[str], list[str]]]:
    return [
        (name if len(levels) == 2 and level == "on" else f"{name}: {level}",
         _ids(runs, {name: levels[0]}), _ids(runs, {name: level}))
        for name, levels in factors.items()
        for level in levels[1:]
    ]  # fmt: skip


def learning_rates(a: Answer, runs: pd.DataFrame, curves: pd.DataFrame) -> Figure | None:
    """The distinct learning-rate curves, each named after the simplest arm that has it.

    curves: id, epoch, lr (the rate at the end of each epoch, or wherever the loop noted it).
    """
    if "id" not in runs or "lr" not in curves or curves["lr"].isna().all():
        return None
    by_id = {i: group.sort_values("epoch") for i, group in curves.groupby("id")}
    found: dict[tuple[float, ...], tuple[str, pd.DataFrame, int]] = {}
    for arm in sorted(a["arms"], key=lambda arm: arm["label"].count(" + ")):
        ids = [i for i in _ids(runs, arm["levels"]) if i in by_id]
        whole = max((by_id[i] for i in ids), key=len, default=None)
        if whole is None:
            continue
        key = tuple(float(f"{x:.6g}") for x in whole["lr"])
        label, frame, count = found.get(key, (arm["label"], whole, 0))
        found[key] = (label, frame, count + 1)
    if not found:
        return None
    shown = list(found.values())[:MOST_RATES]
    fig = figure(9, 4.6)
    ax = fig.subplots()
    for i, (label, frame, count) in enumerate(shown):
        more = f" (+{count - 1} arms)" if count > 1 else ""
        ax.plot(
            frame["epoch"], frame["lr"].where(frame["lr"] > 0), color=CYCLE[i % 7],
            linestyle=DASHES[i // 7 % 4],
            linewidth=2, marker=".", label=short(label, 38) + more,
        )  # fmt: skip
    rates = np.concatenate([frame["lr"].to_numpy(float) for _, frame, _ in shown])
    rates = rates[np.isfinite(rates) & (rates > 0)]
    if len(rates) and rates.max() > 30 * rates.min():
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(lambda x, _: f"{x:g}")
    ax.set_xlabel("epoch")
    ax.set_ylabel("learning rate")
    hidden = len(found) - len(shown)
    if hidden:
        ax.set_title(f"{hidden} more distinct curves are not shown")
    fig.legend(loc="outside right upper", fontsize=9)
    return fig

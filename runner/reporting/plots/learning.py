"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from runner.analysis.metrics.registry import CHOOSES
from runner.analysis.result import Analysis
from runner.designs.layout import FACTORIAL
from runner.reporting.plots.style import BLUE, GREY, figure, short

MOST_PANELS = 24
MOST_LINES = 20  # more runs are drawn as a band
FEW_EPOCHS = 3  # so few epochs are marked as points: a single epoch makes no line


def learning(
    a: Analysis, runs: pd.DataFrame, curves: pd.DataFrame, factors: Mapping[str, tuple[str, ...]]
) -> Figure | None:
    """Validation accuracy by epoch: a panel for each arm, or for each factor of a factorial.

    curves: id, epoch, CHOOSES. Thin lines are runs, a band is the middle 80 % of many runs.
    Thick lines are means. Grey is the reference.
    """
    if "id" not in runs or CHOOSES not in curves or curves[CHOOSES].isna().all():
        return None
    wide = curves.pivot_table(index="epoch", columns="id", values=CHOOSES, dropna=False)
    few = len(a.arms) <= MOST_PANELS and a.layout != FACTORIAL
    panels = _arm_panels(a, runs) if few else _level_panels(runs, factors)
    between = wide.interpolate(method="index", limit_area="inside")
    seldom = bool((wide.isna() & between.notna()).to_numpy().any())
    wide = between  # interpolated between the evaluated epochs
    place = {str(id): i for i, id in enumerate(wide.columns)}
    panels = [(t, r, o) for t, r, o in panels if any(id in place for id in o)]
    if not panels:
        return None
    lost = set(runs.loc[runs["state"].astype(str).ne("ok"), "id"])
    hidden = len(panels) - MOST_PANELS
    panels = panels[:MOST_PANELS]
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    fig = figure(max(2.7 * columns + 0.6, 6.5), (2.1 if columns > 2 else 3.0) * lines + 0.7)
    mark = "o" if len(wide) <= FEW_EPOCHS else ""
    axes = fig.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax, (title, reference, other) in zip(axes, panels, strict=False):
        for ids, colour in ((reference, GREY), (other, BLUE)):
            mine = wide.iloc[:, [place[id] for id in ids if id in place]]
            if mine.shape[1] <= MOST_LINES:
                ax.plot(mine.index, mine.to_numpy(), color=colour, alpha=0.3, lw=0.8, marker=mark)
            else:
                ends = [mine.quantile(q, axis=1) for q in (0.1, 0.9)]
                ax.fill_between(mine.index, *ends, color=colour, alpha=0.15, linewidth=0)
            if mine.shape[1]:
                ax.plot(mine.index, mine.mean(axis=1), color=colour, linewidth=2, marker=mark)
        gone = _lost(lost, other)
        ax.set_title(
            short(title, 27 if columns > 2 else 60) + (f"\n{gone}" if gone else ""), fontsize=10
        )
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if len(wide) == 1:
            ax.set_xlim(wide.index[0] - 0.5, wide.index[0] + 0.5)
    for empty, ax in enumerate(axes[len(panels) :], len(panels)):
        ax.set_visible(False)
        axes[empty - columns].tick_params(labelbottom=True)  # the lowest panel of its column
    what = "grey: baseline" if few else "grey: runs at the reference level"
    text = f"epoch ({what}; blue: this panel; thick: mean over runs)"
    text += "\nsome runs were not evaluated after every epoch" if seldom else ""
    text += f"\n{hidden} more panels are not shown" if hidden > 0 else ""
    fig.supxlabel(text, fontsize=10)
    fig.supylabel("validation accuracy (%)", fontsize=10)
    return fig


def ids_by_arm(a: Analysis, runs: pd.DataFrame) -> dict[str, list[str]]:
    """The ids of the runs of each arm, by its label."""
    found: dict[tuple[str, ...], list[str]] = {}
    names = a.arms[0].levels if a.arms else ()
    for id, *levels in zip(runs["id"], *(runs[name].astype(str) for name in names), strict=True):
        found.setdefault(tuple(levels), []).append(id)
    return {arm.label: found.get(tuple(arm.levels.values()), []) for arm in a.arms}


def _lost(lost: set[str], ids: list[str]) -> str:
    """The number of these runs that did not finish; means leave them out after their end."""
    count = len(lost.intersection(ids))
    return f"{count} of its {len(set(ids))} runs lost" if count else ""


def _arm_panels(a: Analysis, runs: pd.DataFrame) -> list[tuple[str, list[str], list[str]]]:
    arms = ids_by_arm(a, runs)
    reference = arms.pop("baseline", [])
    return [(label, reference, own) for label, own in arms.items()]


def _level_panels(
    runs: pd.DataFrame, factors: Mapping[str, tuple[str, ...]]
) -> list[tuple[str, list[str], list[str]]]:
    ids = runs["id"].to_numpy()
    panels = []
    for name, levels in factors.items():
        column = runs[name].astype(str).to_numpy()
        at = {level: list(ids[column == level]) for level in levels}
        for level in levels[1:]:
            title = name if len(levels) == 2 and level == "on" else f"{name}: {level}"
            panels.append((title, at[levels[0]], at[level]))
    return panels

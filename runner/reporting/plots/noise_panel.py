"""Expected half-width of an effect's interval with more runs or a larger test set."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from runner.analysis.result import Analysis
from runner.analysis.test_set.noise_budget import MoreImages, MoreSeeds
from runner.reporting.plots.style import BLUE, GREY, ORANGE, figure


def noise_panel(a: Analysis) -> Figure | None:
    """Two panels on log axes: half-width over runs, and half-width over test images.

    Each has one line for these test images and one in general, with the lowest possible
    half-width. None without variance components.
    """
    noise = a.noise
    if not noise.seeds or not noise.images:
        return None
    fig = figure(9, 3.9)
    axes = fig.subplots(1, 2, sharey=True)
    panels: tuple[tuple[Sequence[MoreSeeds | MoreImages], list[int | None], str], ...] = (
        (noise.seeds, [row.runs for row in noise.seeds], "runs of a comparison"),
        (noise.images, [row.images for row in noise.images], "test images"),
    )
    for ax, (widths, counts, label) in zip(axes, panels, strict=True):
        rows, floor = widths[:-1], widths[-1].general
        x = [count for count in counts if count is not None]
        ax.plot(x, [row.here for row in rows], "o--", color=BLUE, label="on these test images")
        ax.plot(x, [row.general for row in rows], "s-", color=ORANGE, label="in general")
        if floor:
            ax.axhline(floor, color=GREY, linestyle=":", label=f"floor in general, ±{floor:.2f}")
        ax.plot([x[0]], [rows[0].general], "s", color=ORANGE, markersize=11, fillstyle="none")
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xticks(x, [f"{value:,}" for value in x], rotation=30, minor=False)
        low, high = ax.get_ylim()
        low = min([low, *(0.8 * x for x in (floor, a.negligible) if x)])
        ax.set_ylim(low, 1.2 * max(high, rows[0].general or 0.0))
        ticks = [t for t in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if low / 2 < t < high * 1.5]
        ax.set_yticks(ticks, [f"±{t:g}" for t in ticks])
        ax.minorticks_off()
        ax.set_xlabel(label)
        ax.legend(fontsize=9)
    if a.negligible:
        for ax in axes:
            ax.axhline(a.negligible, color=GREY, linewidth=0.8)
    axes[0].set_ylabel(f"half-width of the middle effect ({a.unit})")
    about = "leftmost point: now; grey line: the negligible margin"
    fig.suptitle(about, fontsize=10, x=0.01, ha="left")
    return fig

"""Forest plot: every effect with its interval, the negligible margin, and the noise floor."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from runner.analysis.effects import GRID, BaselineEffect, Effect
from runner.analysis.result import Analysis
from runner.designs.layout import CUMULATIVE
from runner.reporting.plots.effect_rows import Mark, draw, panels
from runner.reporting.plots.ranges import drawable_effect
from runner.reporting.plots.style import GREY, ORANGE, PAPER, PLACEBO, VERDICTS, short
from runner.reporting.wording import is_placebo

ALONE = Mark(GREY, "o", 7.5, 8, width=1.4, face=PAPER)  # the effect at the baseline


def forest(a: Analysis) -> Figure | None:
    """Effects with their intervals; a second, closer panel where a few effects dwarf the others.

    A placebo has a grey cross: it shows what pure noise looks like.
    """
    effects = [e for e in a.effects if e.effect is not None]
    if not effects:
        return None
    if a.layout == CUMULATIVE:
        effects.reverse()
    else:
        effects.sort(key=lambda e: e.effect or 0.0)
    beside = a.estimand == GRID and any(_baseline(e) for e in effects)
    ends = [abs(x) for e in effects for x in _ends(a, e, beside)]
    floor = noise_floor(a)
    height = 1.9 + (0.5 if beside else 0.4) * len(effects)
    fig, axes = panels(a, [_name(e) for e in effects], ends, height)
    for ax, limit in axes:
        _effects(ax, a, effects, beside, limit, floor)
    _legend(fig, a, effects, beside, floor)
    return fig


def noise_floor(a: Analysis) -> tuple[float, str] | None:
    """The smallest half-width for any number of runs on these test images, and its label.

    Without intervals: the half-width of the noise assumed from the size of the test set.
    """
    floor = a.noise.seeds[-1].general if a.noise.seeds else None
    if floor:
        return floor, f"±{floor:.2g}: floor of {a.noise.test_images:,} test images"
    held = a.floor
    if held.effects is None or any(e.ci_low is not None for e in a.effects):
        return None
    halves = [e.half for e in held.effects if e.half is not None]
    if not halves:
        return None
    return max(halves), f"±{max(halves):.2g}: run noise assumed from {held.test_images:,} images"


def _name(e: Effect) -> str:
    return short(e.label, 32) + ("\n(true effect 0)" if is_placebo(e) else "")


def _look(e: Effect) -> tuple[str, str]:
    return PLACEBO if is_placebo(e) else VERDICTS[e.verdict]


def _baseline(e: Effect) -> BaselineEffect | None:
    found = e.at_baseline
    return None if found is None or found.effect is None else found


def _ends(a: Analysis, e: Effect, beside: bool) -> list[float]:
    alone = _baseline(e) if beside else None
    found = []
    for side in [e, alone] if alone else [e]:
        spread = drawable_effect(a, side.ci_low, side.ci_high) or ()
        found += [x for x in (side.effect, *spread) if x is not None]
    return found


def _effects(
    ax: Axes,
    a: Analysis,
    effects: list[Effect],
    beside: bool,
    limit: float | None,
    floor: tuple[float, str] | None,
) -> None:
    if floor:
        for x in (-floor[0], floor[0]):
            ax.axvline(x, color=ORANGE, linestyle=":", linewidth=1.3, zorder=1)
    for y, e in enumerate(effects):
        spread = drawable_effect(a, e.ci_low, e.ci_high)
        draw(ax, e.effect, spread, y + (0.12 if beside else 0), Mark(*_look(e), 7.5, 8), limit)
        alone = _baseline(e) if beside else None
        if alone:
            spread = drawable_effect(a, alone.ci_low, alone.ci_high)
            draw(ax, alone.effect, spread, y - 0.2, ALONE, limit)


def _legend(
    fig: Figure, a: Analysis, effects: list[Effect], beside: bool, floor: tuple[float, str] | None
) -> None:
    kinds = [v for v in VERDICTS if any(e.verdict == v and not is_placebo(e) for e in effects)]
    handles = [
        Line2D([], [], color=VERDICTS[k][0], marker=VERDICTS[k][1], linestyle="", label=k)
        for k in kinds
    ]
    if any(is_placebo(e) for e in effects):
        colour, marker = PLACEBO
        handles.append(Line2D([], [], color=colour, marker=marker, linestyle="", label="placebo"))
    if beside:
        handles.append(
            Line2D([], [], color=GREY, marker="o", markerfacecolor=PAPER, label="at the baseline")
        )
    if a.negligible:
        label = f"±{a.negligible:g} {a.unit}: negligible"
        handles.append(Line2D([], [], color="#DDDDDD", linewidth=8, label=label))
    if floor:
        handles.append(Line2D([], [], color=ORANGE, linestyle=":", label=floor[1]))
    columns = len(handles) if len(handles) <= 5 else -(-len(handles) // 2)
    fig.legend(
        handles=handles, loc="outside upper center", ncols=columns, fontsize=10, columnspacing=1.2
    )

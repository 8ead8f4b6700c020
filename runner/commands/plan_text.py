"""The answer of `plan` as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runner.planning.grid_needs import BASELINE, EACH, FAMILY, GRID_AVERAGE
from runner.text import aligned, counted, duration

if TYPE_CHECKING:
    from runner.planning.grid_needs import GridNeeds
    from runner.planning.needed import Needed

WORDS = {GRID_AVERAGE: "averaged over the grid", BASELINE: "at the baseline"}
OVER = {
    FAMILY: "5 % for all effects of a grid at once (Šidák); --each: for each alone",
    EACH: "5 % for each effect alone: of studies of 10 tricks that do nothing, 40 % call at "
    "least one an effect",
}


def plan_lines(found: GridNeeds, kind: str) -> Iterator[str]:
    """The goal, the table, the cheapest grid for each estimand, and the assumptions."""
    goal = found.goal
    yield from found.study.notes
    if goal.kind == "effect":
        yield f"to detect every effect of {goal.value:g} pp with probability {goal.power:g}"
    else:
        yield f"to know every effect to ±{goal.value:g} pp (95 % intervals)"
    yield f"run-to-run sd {found.sigma.value:.3g} pp: {found.sigma.source}"
    rows = [("grid", "arms", *WORDS.values())]
    for grid in found.grids:
        if grid.needs is not None:
            cells = [_cell(found, grid.needs[estimand, kind]) for estimand in WORDS]
            rows.append((grid.name, f"{grid.arms:,}", *cells))
    yield from aligned(rows)
    yield from _remarks(found, kind)
    for estimand, words in WORDS.items():
        yield f"{words}: {_cheapest(found, estimand, kind)}"
    yield f"level: {OVER[kind]}"
    if found.seconds_reason:
        yield found.seconds_reason


def _cell(found: GridNeeds, need: Needed) -> str:
    if need.seeds is None or need.runs is None:
        return "no"
    hours = found.hours(need)
    time = "" if hours is None else f", {duration(hours * 3600)}"
    return f"{counted(need.seeds, 'seed')}, {counted(need.runs, 'run')}{time}"


def _remarks(found: GridNeeds, kind: str) -> Iterator[str]:
    """Why a grid does not answer: one line for all grids with the same reason."""
    why: dict[str, list[str]] = {}
    for grid in found.grids:
        if grid.needs is None:
            why.setdefault(f"not at all: {grid.reason}", []).append(grid.name)
            continue
        for estimand, words in WORDS.items():
            need = grid.needs[estimand, kind]
            if need.runs is None:
                why.setdefault(f"not {words}: {need.reason}", []).append(grid.name)
        if grid.left_out:
            text = f"without {', '.join(grid.left_out)} ('all on' takes one level of each factor)"
            why.setdefault(text, []).append(grid.name)
    for reason, names in why.items():
        yield f"{', '.join(names)} {reason}"


def _cheapest(found: GridNeeds, estimand: str, kind: str) -> str:
    best = found.cheapest(estimand, kind)
    if best is None:
        return "no grid estimates every effect: the lines above say why"
    grid, need = best
    assert need.seeds is not None
    per = f"{counted(grid.arms, 'arm')} × {counted(need.seeds, 'seed')}"
    size = f" --runs {found.runs}" if found.runs and grid.takes_runs else ""
    hours = found.hours(need)
    time = "" if hours is None else f", about {duration(hours * 3600)}"
    return (
        f"{grid.name} is cheapest, {per} = {need.runs:,} runs{time} "
        f"(--grid {grid.name}{size} --seeds {need.seeds})"
    )

"""Comparisons of arms in thousands of simulated studies, by the procedures of `analyze`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from benchmarks.populations import Population
from benchmarks.procedures import Found
from benchmarks.simulation import (
    Layout,
    estimates,
    nameless,
    tables,
)
from runner.analysis.comparisons.simultaneous import by_dunnett, by_sidak
from runner.analysis.comparisons.welch import combination, welch
from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import Estimate, holm
from runner.analysis.verdicts import Rules, verdict
from runner.designs.registry import make
from tricks.recipe import Recipe


def compared(
    grid: str, population: Population, seeds: int, studies: int, seed: int = 0,
    control: int | None = None, placebo: bool = False, margin: float | None = None,
) -> Found:  # fmt: skip
    """add-one, leave-one-out, cumulative or pairs (their interactions) over two-level factors."""
    layout, arms = runs_of(grid, population, seeds, control, placebo)
    rng = np.random.default_rng(seed)
    means, y = population.studies(rng, studies, layout.places())
    contrasts = contrasted(grid, arms)
    rows, verdicts, bounds = [], [], []
    for cells in tables(layout.levels, y):
        if grid == "pairs":
            rows.append([combination(cells, list(i), [1, -1, -1, 1]) for i in contrasts])
            continue
        found = [welch(cells, high, low) for high, low in contrasts]
        says, ends = judged(grid, found, cells, contrasts, Rules(margin))
        verdicts.append(says)
        bounds.append(ends)
        rows.append(found)
    one = Layout(grid, np.array(arms), layout.sizes, placebo).places()
    weights = (1, -1, -1, 1) if grid == "pairs" else (1, -1)
    truth = np.stack(
        [sum(w * means[:, one[i]] for w, i in zip(weights, c, strict=True)) for c in contrasts],
        axis=1,
    )
    if grid == "pairs":
        return Found(estimates(rows, truth))
    low, high = np.moveaxis(np.array(bounds), -1, 0)
    together = np.asarray(((low <= truth) & (truth <= high)).all(axis=1))
    return Found(estimates(rows, truth), np.array(verdicts), together)


def judged(
    grid: str, found: Sequence[Estimate], cells: Cells, contrasts: Sequence[tuple[int, ...]],
    rules: Rules,
) -> tuple[list[str], list[tuple[float, float] | None]]:  # fmt: skip
    """Verdicts of comparisons, and intervals that hold for all of them at once."""
    if grid == "cumulative":
        together = by_sidak(found, rules.level)
        p = holm([e.p() for e in found])
    else:
        other, reference = (0, 1) if grid == "add-one" else (1, 0)
        together = by_dunnett(
            found, cells, [i[other] for i in contrasts], contrasts[0][reference], rules.level,
            rules.noise,
        )  # fmt: skip
        p = together.p
    return [verdict(*x, rules) for x in zip(found, p, together.inner, strict=True)], together.outer


def runs_of(
    grid: str, population: Population, seeds: int, control: int | None = None, placebo: bool = False
) -> tuple[Layout, list[tuple[int, ...]]]:
    """The runs of a one-at-a-time design, and its arms in order."""
    factors = nameless(population.sizes, placebo)
    design = make(grid, factors, Recipe(), control=control)
    arms = sorted(design)
    runs = [arm for arm in arms for _ in design.seeds(arm, seeds)]
    return Layout(grid, np.array(runs), (2,) * len(factors), placebo), arms


def contrasted(grid: str, arms: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Indices in `arms` of the arms of each comparison."""
    at = {arm: i for i, arm in enumerate(arms)}
    width = len(arms[0])
    zero, ones = (0,) * width, (1,) * width
    if grid == "cumulative":
        chain = sorted(arms, key=sum)
        return [(at[high], at[low]) for low, high in itertools.pairwise(chain)]
    one = [tuple(int(j == i) for j in range(width)) for i in range(width)]
    if grid == "pairs":
        both = [arm for arm in arms if sum(arm) == 2]
        alone = [[one[i] for i in range(width) if arm[i]] for arm in both]
        return [(at[arm], at[a], at[b], at[zero]) for arm, (a, b) in zip(both, alone, strict=True)]
    if grid == "leave-one-out":
        return [(at[ones], at[tuple(1 - x for x in arm)]) for arm in one]
    return [(at[arm], at[zero]) for arm in one]

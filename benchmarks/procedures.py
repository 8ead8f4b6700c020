"""What the tool's procedures say in thousands of simulated studies, against the truth.

Each goes through the estimators that `analyze` calls (`fit`, `welch`, `baseline_effect`,
`by_dunnett`, `half_normal`, `parts`, `verdict`), without the report around them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.simulation import (
    Array,
    Estimates,
    Layout,
    Population,
    Prepared,
    estimates,
    nameless,
    prepared,
    tables,
)
from runner.analysis.baseline_effect import baseline_effect
from runner.analysis.bits import bits
from runner.analysis.cells import Cells, group
from runner.analysis.estimates import Estimate, holm
from runner.analysis.factorial import alias_sum
from runner.analysis.images import parts, residual
from runner.analysis.lenth import HalfNormal, half_normal
from runner.analysis.one_at_a_time import combination, welch
from runner.analysis.population import hull
from runner.analysis.sequential import look_level
from runner.analysis.simultaneous import by_dunnett, by_sidak
from runner.analysis.verdicts import Rules, verdict
from runner.designs import make
from tricks.recipe import Recipe


@dataclass(frozen=True)
class Found:
    """Of many studies.

    estimates: of each effect. verdicts: (studies, effects). together: (studies,) whether all
    simultaneous intervals hold the truth. said: shares of studies or effects by what they say.
    """

    estimates: Estimates
    verdicts: Array = field(default_factory=lambda: np.empty((0, 0), dtype="<U10"))
    together: Array = field(default_factory=lambda: np.empty(0, dtype=bool))
    said: dict[str, float] = field(default_factory=dict)

    @property
    def family(self) -> float:
        """Share of studies that call any effect helps or hurts."""
        return float(np.isin(self.verdicts, ("helps", "hurts")).any(axis=1).mean())

    @property
    def negligible(self) -> float:
        """The largest share of studies that call an effect negligible."""
        return float((self.verdicts == "negligible").mean(axis=0).max())

    @property
    def placebo(self) -> float:
        """Share of studies that call the last effect helps or hurts."""
        return float(np.isin(self.verdicts[:, -1], ("helps", "hurts")).mean())


def called(found: Estimates, rules: Rules, level: float = 0.05) -> Array:
    """(studies, effects) verdicts of a factorial: Holm's p, intervals of each effect alone."""
    p, half = found.p(), found.half(2 * level)
    rows = []
    for i, value in enumerate(found.value):
        adjusted = holm([None if np.isnan(x) else float(x) for x in p[i]])
        rows.append(
            [
                verdict(Estimate(float(v)), q, None if np.isnan(h) else (v - h, v + h), rules)
                for v, q, h in zip(value, adjusted, half[i], strict=True)
            ]
        )
    return np.array(rows)


def averages(
    layout: Layout, population: Population, studies: int, seed: int = 0, margin: float | None = None
) -> Found:
    """Main effects averaged over the grid. said: lack of fit found or used, lowest coverage."""
    known = prepared(layout)
    rng = np.random.default_rng(seed)
    means, y = population.studies(rng, studies, layout.places())
    contrasts = [known.coding.main_effect(i) for i in range(len(known.coding.mains))]
    rows, lack = [], 0
    for cells in tables(layout.levels, y, layout.at):
        fitted = known.fitted(cells).fit
        rows.append([fitted.estimate(c) for c in contrasts])
        lack += fitted.lack is not None and fitted.lack.p < 0.05
    found = estimates(rows, means @ (np.array(contrasts) @ known.truth(population)).T)
    return Found(found, called(found, Rules(margin)), said={"lack of fit": lack / studies})


def two_factor(
    layout: Layout, population: Population, studies: int, seed: int = 0
) -> tuple[Found, Found]:
    """Interactions of two factors (alias sets as one), against the whole grid's and against those
    of the design's own arms, in which interactions of more factors are mixed.
    """
    known = prepared(layout)
    rng = np.random.default_rng(seed)
    means, y = population.studies(rng, studies, layout.places())
    contrasts: list[Array] = []
    rows = []
    for cells in tables(layout.levels, y):
        fitted = known.fitted(cells)
        contrasts = contrasts or _interactions(known, cells)
        rows.append([fitted.fit.estimate(c, noise_only=True) for c in contrasts])
    whole = means @ (np.array(contrasts) @ known.truth(population)).T
    X = known.coding.matrix(layout.levels)
    here = means[:, layout.places()] @ X @ known.design.bread @ np.array(contrasts).T
    return Found(estimates(rows, whole)), Found(estimates(rows, here))


def _interactions(known: Prepared, cells: Cells) -> list[Array]:
    """Contrasts of the interactions that the analysis lists."""
    fitted = known.fitted(cells)
    found: list[Array | None] = []
    for k, members in enumerate(known.aliases):
        if members[0] == k:
            alone = len(members) == 1
            found.append(known.coding.interaction(k) if alone else alias_sum(fitted, members))
    return [c for c in found if c is not None]


def at_baseline(layout: Layout, population: Population, studies: int, seed: int = 0) -> Found:
    """Effects at the baseline of a factorial. said: shares by the way they were estimated."""
    known = prepared(layout)
    rng = np.random.default_rng(seed)
    means, y = population.studies(rng, studies, layout.places())
    zero = np.zeros(len(layout.sizes), dtype=int)
    changes = [(c.factor, c.level) for c in known.coding.mains]
    rows, ways = [], []
    for cells in tables(layout.levels, y):
        fitted = known.fitted(cells)
        found = [
            baseline_effect(fitted, cells, list(layout.sizes), j, a, Rules(None))
            for j, a in changes
        ]
        rows.append([x.estimate if x else None for x in found])
        ways += [x.way if x else "none" for x in found]
    arms = [_place({j: a}, zero, population) for j, a in changes]
    truth = means[:, arms] - means[:, [_place({}, zero, population)]]
    return Found(estimates(rows, truth), said={w: ways.count(w) / len(ways) for w in set(ways)})


def _place(change: dict[int, int], arm: Array, population: Population) -> int:
    changed = arm.copy()
    for j, a in change.items():
        changed[j] = a
    return int(np.ravel_multi_index(tuple(changed[: len(population.sizes)]), population.sizes))


def compared(
    grid: str, population: Population, seeds: int, studies: int, seed: int = 0,
    control: int | None = None, placebo: bool = False, margin: float | None = None,
    noise: str = "own", level: float = 0.05,
) -> Found:  # fmt: skip
    """add-one, leave-one-out, cumulative or pairs (their interactions) over two-level factors."""
    layout, arms = runs_of(grid, population, seeds, control, placebo)
    rng = np.random.default_rng(seed)
    means, y = population.studies(rng, studies, layout.places())
    contrasts = _comparisons(grid, arms)
    rules = Rules(margin, noise=noise)
    rows, verdicts, bounds = [], [], []
    for cells in tables(layout.levels, y):
        if grid == "pairs":
            rows.append([combination(cells, list(i), [1, -1, -1, 1], noise) for i in contrasts])
            continue
        found = [welch(cells, i[0], i[1], noise) for i in contrasts]
        if grid == "cumulative":
            all_of = by_sidak(found, level)
            p = holm([e.p() for e in found])
        else:
            other, reference = (0, 1) if grid == "add-one" else (1, 0)
            all_of = by_dunnett(
                found, cells, [i[other] for i in contrasts], contrasts[0][reference], level, noise
            )
            p = all_of.p
        verdicts.append([verdict(*x, rules) for x in zip(found, p, all_of.inner, strict=True)])
        bounds.append(all_of.outer)
        rows.append(found)
    one = Layout(grid, np.array(arms), layout.sizes, placebo).places()
    weights = (1, -1, -1, 1) if grid == "pairs" else (1, -1)
    truth = np.stack(
        [sum(w * means[:, one[i]] for w, i in zip(weights, c, strict=True)) for c in contrasts],
        axis=1,
    )
    if grid == "pairs":
        return Found(estimates(rows, truth))
    ends = np.array(bounds)
    together = np.asarray(((ends[..., 0] <= truth) & (truth <= ends[..., 1])).all(axis=1))
    return Found(estimates(rows, truth), np.array(verdicts), together)


def runs_of(
    grid: str, population: Population, seeds: int, control: int | None = None, placebo: bool = False
) -> tuple[Layout, list[tuple[int, ...]]]:
    """The runs of a one-at-a-time design, and its arms in order."""
    factors = nameless(population.sizes, placebo)
    design = make(grid, factors, Recipe(), control=control)
    arms = sorted(design)
    runs = [arm for arm in arms for _ in design.seeds(arm, seeds)]
    return Layout(grid, np.array(runs), (2,) * len(factors), placebo), arms


def _comparisons(grid: str, arms: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Places in `arms` of the arms of each comparison."""
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


def saturated(layout: Layout, population: Population, studies: int, seed: int = 0) -> Found:
    """Main effects of an unreplicated saturated grid by Lenth's pseudo standard error."""
    rng = np.random.default_rng(seed)
    means, y = population.studies(rng, studies, layout.places())
    factors = {f"x{j}": ("off", "on") for j in range(len(layout.sizes))}
    rows, verdicts = [], []
    rules = Rules(None)
    for one in y:
        found = half_normal(group(layout.levels, one), factors, 0.05)
        assert isinstance(found, HalfNormal)
        main = [found.main_effect(j) for j in range(len(factors))]
        rows.append(main)
        inner = [found.together(e.value, 0.1) for e in main]
        p = [found.p_adjusted(e.value) for e in main]
        verdicts.append([verdict(*x, rules) for x in zip(main, p, inner, strict=True)])
    known = prepared(layout)
    contrasts = [known.coding.main_effect(i) for i in range(len(factors))]
    truth = means @ (np.array(contrasts) @ known.truth(population)).T
    return Found(estimates(rows, truth), np.array(verdicts))


def in_general(
    right: Sequence[Array], layout: Layout, studies: int, seed: int = 0
) -> tuple[Found, Found]:
    """Effects on these test images, and over all such images, from recorded right and wrong.

    right: for each arm of the full grid the (runs, images) of its recorded runs. Every study draws
    runs of each arm, and test images, both with replacement; the truth is over all recorded.
    The second's `together` is (studies, effects): whether the interval in general holds it.
    """
    rng = np.random.default_rng(seed)
    images = right[0].shape[1]
    factorial = len({tuple(row) for row in layout.levels}) == np.prod(layout.sizes)
    known = prepared(layout)
    contrasts = [known.coding.main_effect(i) for i in range(len(layout.sizes))]
    grid = np.array(list(itertools.product(*map(range, layout.sizes))))
    mean = np.array([100 * x.mean() for x in right])
    start = group(layout.levels, np.zeros(len(layout.levels)))
    zero = start.find(np.zeros(len(layout.sizes)))
    single = [start.find(row) for row in np.eye(len(layout.sizes), dtype=int)]
    at = np.ravel_multi_index(tuple(start.levels.T), layout.sizes)
    if not factorial:
        truth = np.array([mean[at[i]] - mean[at[zero]] for i in single])
    else:
        truth = np.array([
            mean[grid[:, j] == 1].mean() - mean[grid[:, j] == 0].mean()
            for j in range(len(layout.sizes))
        ])  # fmt: skip
    here, held = [], []
    for _ in range(studies):
        pick = rng.integers(images, size=images)
        runs = np.stack([right[a][rng.integers(len(right[a]))][pick] for a in layout.places()])
        found = bits(runs, layout.levels)
        cells = group(layout.levels, found.accuracy)
        if factorial:
            fitted = known.fitted(cells).fit
            mine = [fitted.estimate(c) for c in contrasts]
        else:
            mine = [welch(cells, i, zero) for i in single]
        noise = residual(found, list(layout.sizes))
        assert noise is not None
        rows = []
        for e, true in zip(mine, truth, strict=True):
            split = parts(e, found, noise)
            assert split is not None
            assert e.value is not None
            low, high = hull(split.estimate(e.value).interval(), e.interval()) or (np.nan, np.nan)
            rows.append(low <= true <= high)
        held.append(rows)
        here.append(mine)
    alone = estimates(here, np.tile(truth, (studies, 1)))
    return Found(alone), Found(alone, together=np.array(held))


def looks(
    layouts: Sequence[Layout], population: Population, studies: int, seed: int = 0,
    margin: float | None = None,
) -> Found:  # fmt: skip
    """A study looked at after each of `layouts`, of which each begins with the one before.

    Its verdict of an effect is the first that is not undecided.
    """
    rng = np.random.default_rng(seed)
    last = layouts[-1]
    _, y = population.studies(rng, studies, last.places())
    df, found = [], []
    for layout in layouts:
        known = prepared(layout)
        contrasts = [known.coding.main_effect(i) for i in range(len(known.coding.mains))]
        part = y[:, : len(layout.levels)]
        zero = _zero(layout) if layout.name.startswith("add-one") else None
        rows = [
            [welch(cells, i, zero) for i in _single(cells)]
            if zero is not None
            else [known.fitted(cells).fit.estimate(c) for c in contrasts]
            for cells in tables(layout.levels, part)
        ]
        result = estimates(rows, np.zeros((studies, len(rows[0]))))
        found.append(result)
        df.append(float(result.df[0].min()))
    shares = [len(layout.levels) / len(last.levels) for layout in layouts]
    level = look_level(shares, df, tests=found[0].value.shape[1])
    verdicts = np.full(found[0].value.shape, "undecided", dtype="<U10")
    for result in found:
        now = called(result, Rules(margin, level=level), level)
        verdicts = np.where(verdicts == "undecided", now, verdicts)
    return Found(found[-1], verdicts, said={"level": level})


def _zero(layout: Layout) -> int | None:
    return group(layout.levels, np.zeros(len(layout.levels))).find(np.zeros(len(layout.sizes)))


def _single(cells: Cells) -> list[int | None]:
    return [cells.find(row) for row in np.eye(cells.levels.shape[1], dtype=int)]

"""The results of the tool's procedures for factorials in thousands of simulated studies.

Each function calls the estimators of `analyze` (`fit`, `baseline_effect`, `half_normal`,
`verdict`), without the report. Comparisons of arms, looks and intervals in general are in other
files.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.populations import Array, Population
from benchmarks.simulation import (
    Estimates,
    Layout,
    Prepared,
    estimates,
    prepared,
    tables,
)
from runner.analysis.data.arm_statistics import Cells, group
from runner.analysis.data.estimates import Estimate, holm
from runner.analysis.model.baseline_effect import baseline_effect
from runner.analysis.model.factorial import alias_sum
from runner.analysis.model.lenth import HalfNormal, half_normal
from runner.analysis.verdicts import Rules, verdict


@dataclass(frozen=True)
class Found:
    """The results of many studies.

    estimates: of each effect. verdicts: (studies, effects). together: (studies,) whether all
    simultaneous intervals hold the truth. said: other shares of studies or effects, by name.
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


def called(found: Estimates, rules: Rules) -> Array:
    """(studies, effects) verdicts of a factorial: Holm's p, intervals of each effect alone."""
    p, half = found.p(), found.half(2 * rules.level)
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
    for cells in tables(layout.levels, y, layout.placebo_column):
        fitted = known.fitted(cells).fit
        rows.append([fitted.estimate(c) for c in contrasts])
        lack += fitted.lack is not None and fitted.lack.p < 0.05
    found = estimates(rows, means @ (np.array(contrasts) @ known.truth(population)).T)
    return Found(found, called(found, Rules(margin)), said={"lack of fit": lack / studies})


def two_factor(layout: Layout, population: Population, studies: int) -> tuple[Found, Found]:
    """Two-factor interactions (an alias set is one), against two truths.

    The first truth is the whole grid's interaction, the second that of the design's arms, which is
    mixed with interactions of more factors.
    """
    known = prepared(layout)
    means, y = population.studies(np.random.default_rng(0), studies, layout.places())
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


def at_baseline(layout: Layout, population: Population, studies: int) -> Found:
    """Effects at the baseline of a factorial. said: shares by the way they were estimated."""
    known = prepared(layout)
    means, y = population.studies(np.random.default_rng(0), studies, layout.places())
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

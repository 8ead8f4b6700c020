"""The precision of each effect of a design, in units of the run-to-run sd σ, before any run.

The models and error terms are the same as in runner/analysis, with constant noise: comparisons of
arms for one-at-a-time designs, least squares for factorials.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import contrast_df
from runner.analysis.model.coding import Coding
from runner.analysis.model.factorial import MOST_COLUMNS, prepare
from runner.analysis.model.linear_model import Model
from runner.analysis.model.regression import error_term
from runner.designs.design import Design, changed, reference_arm
from runner.designs.factor import Arm
from runner.designs.layout import FACTORIAL
from runner.designs.placebo import flipped, place

MOST_ARMS = 20_000  # larger designs are not listed: only closed forms
MOST_WORK = 4e8  # arms · columns²

ONE_RUN = "one run per arm gives no error degrees of freedom: use more seeds"
NO_GRID = "these arms change one factor at a time: they give no average over the grid"
NO_ERROR = "no error degrees of freedom, as there are as many terms as runs: use more seeds"
NO_BASELINE = "these arms do not separate the interactions that this effect depends on: use add-one"
TOO_MANY = "too many arms to compute this, and with impossible arms there is no closed form"


@dataclass(frozen=True)
class Precision:
    """The precision of one effect for one estimand.

    se: standard error in σ. df: of its t quantile; None without error degrees of freedom. reason:
    why `se` or `df` is None. way: "the two arms", "model" or "" (none).
    """

    se: float | None = None
    df: float | None = None
    way: str = ""
    reason: str | None = None


@dataclass(frozen=True)
class EffectPrecision:
    """The precision of a level's effect against its reference (positions and level indices).

    own: for the estimand of the design's own table. grid: averaged over the grid. baseline: with
    all other factors at their reference levels.
    """

    factor: int
    level: int
    own: Precision
    grid: Precision
    baseline: Precision


def two_arms(n: int, other: int) -> Precision:
    """mean(arm of n runs) - mean(arm of `other` runs), with Welch's df for equal sds."""
    parts = np.array([1 / n, 1 / other])
    se = float(np.sqrt(parts.sum()))
    if min(n, other) < 2:
        return Precision(se, None, "the two arms", ONE_RUN)
    df = parts.sum() ** 2 / (parts**2 / (np.array([n, other]) - 1)).sum()
    return Precision(se, float(df), "the two arms")


class Errors:
    """Standard errors and df of a design's effects, for any number of seeds.

    Everything that does not depend on the number of seeds is computed once. A fraction's model only
    depends on whether there are replicates.
    """

    def __init__(self, design: Design) -> None:
        self.design = design
        self.sizes = [len(factor.levels) for factor in design.factors]
        self.one_at_a_time = design.layout != FACTORIAL or len(self.sizes) == 1
        mains = sum(self.sizes) - len(self.sizes)
        columns = 1 + mains + sum((a - 1) * (b - 1) for a, b in _two(self.sizes))
        self.columns = columns if columns <= MOST_COLUMNS else 1 + mains
        arms = design.count
        self.listed = arms <= MOST_ARMS and arms * self.columns**2 <= MOST_WORK
        self._models: dict[int, tuple[Coding, Model, list[tuple[int, int]], Cells]] = {}
        self.closed = design.crossed and not design.excluded and not self.listed

    @cached_property
    def counts(self) -> Counter[Arm]:
        """How often each arm is in the design."""
        return Counter(self.design)

    def runs(self, arm: Arm, seeds: int) -> int:
        """Runs of `arm`, over both levels of a drawn placebo, in `seeds` replicates."""
        turned = self.design.turning
        found = self.design.times(arm, seeds) if arm in self.counts else 0
        if turned is None:
            return found
        other = flipped(arm, turned)
        return self.design.times(arm, seeds) + self.design.times(other, seeds)

    def cells(self, seeds: int) -> Cells:
        """The design's arms with their numbers of runs, without measurements."""
        arms, turned = sorted(self.counts), self.design.turning
        if turned is not None and seeds > 1:
            arms = sorted({*arms, *(flipped(arm, turned) for arm in arms)})
        count = np.array([self.design.times(arm, seeds) for arm in arms])
        zero, placebo = np.zeros(len(arms)), place(self.design.factors)
        return Cells(np.array(arms, dtype=np.int64), count, zero, zero, placebo)

    def precisions(self, seeds: int) -> list[EffectPrecision]:
        """The precision of each level of each factor, with `seeds` replicates of the design."""
        if self.one_at_a_time:
            return list(self._comparisons(seeds))
        if self.closed:
            return list(self._product(seeds))
        if not self.listed:
            none = Precision(reason=TOO_MANY)
            return [EffectPrecision(j, a, none, none, none) for j, a in self._levels()]
        return list(self._factorial(seeds))

    def error(self, seeds: int) -> tuple[str, int | None]:
        """The error term (as `regression.error_term`, or "arms") and its df over the design."""
        runs = seeds * self.design.count
        if self.one_at_a_time:
            return "arms", runs - len(self.counts)
        if self.closed:
            arms = self.design.count
            return ("replicates", runs - arms) if seeds > 1 else ("hc2", arms - self.columns)
        if not self.listed:
            return "", None
        _, fitted, _, cells = self._model(min(seeds, 2))
        kind = error_term(fitted, cells)
        if kind == "replicates":
            return kind, runs - len(cells.merged[0].count)
        return kind, max(runs - fitted.rank, 0)

    def _levels(self) -> Iterator[tuple[int, int]]:
        return ((j, a) for j, size in enumerate(self.sizes) for a in range(1, size))

    def _comparisons(self, seeds: int) -> Iterator[EffectPrecision]:
        for j, level in self._levels():
            low, high = self.design.compared(j, level)
            n, other = (seeds * self.counts[arm] for arm in (high, low))
            own = two_arms(n, other) if n and other else Precision(reason="an arm is impossible")
            at_zero = not any(changed(low, j, 0))
            grid = own if len(self.sizes) == 1 else Precision(reason=NO_GRID)
            elsewhere = Precision(reason="these arms have other tricks on: use add-one")
            yield EffectPrecision(j, level, own, grid, own if at_zero else elsewhere)

    def _product(self, seeds: int) -> Iterator[EffectPrecision]:
        """All combinations, equally often: all terms are orthogonal."""
        runs = seeds * self.design.count
        _, df = self.error(seeds)
        others = sum(size - 1 for size in self.sizes)
        for j, level in self._levels():
            size = self.sizes[j]
            grid = Precision(math.sqrt(2 * size / runs), df, "model")
            base = two_arms(seeds, seeds)
            if seeds == 1:
                # Each factor j held at its reference adds L - 1 times the main effect's variance.
                wider = math.sqrt(1 + others - (size - 1))
                base = Precision(grid.se * wider if grid.se else None, df, "model")
                if self.columns == 1 + others:
                    base = Precision(reason=NO_BASELINE)
            yield EffectPrecision(j, level, grid, grid, base)

    def _model(self, times: int) -> tuple[Coding, Model, list[tuple[int, int]], Cells]:
        """Coding, model, unseen pairs (see `prepare`) and cells of `times` the design's runs."""
        if times not in self._models:
            cells = self.cells(times)
            coding, fitted, unseen, _ = prepare(cells, self.sizes)
            self._models[times] = coding, fitted, unseen, cells
        return self._models[times]

    def _factorial(self, seeds: int) -> Iterator[EffectPrecision]:
        times = min(seeds, 2)
        coding, fitted, unseen, cells = self._model(times)
        at = {(c.factor, c.level): i for i, c in enumerate(coding.mains)}
        zero = reference_arm(self.design.factors)
        for j, level in self._levels():
            if (j, level) not in at:
                none = Precision(reason="this level or its reference is in no arm")
                yield EffectPrecision(j, level, none, none, none)
                continue
            i = at[j, level]
            grid = self._contrast(fitted, cells, coding.main_effect(i), seeds / times)
            high, low = (self.runs(arm, seeds) for arm in (changed(zero, j, level), zero))
            if j == self.design.turning:
                high = low = (
                    0  # a placebo only draws other seeds: the model estimates it from all arms
                )
            base = Precision(reason=NO_BASELINE)
            if min(high, low) > 1:
                base = two_arms(high, low)
            elif coding.pairs and not any(i in pair for pair in unseen):
                held = {k: 0 for k in range(len(zero)) if k != j}
                base = self._contrast(fitted, cells, coding.simple_effect(i, held), seeds / times)
                if base.se is None:
                    base = Precision(reason=NO_BASELINE)
            yield EffectPrecision(j, level, grid, grid, base)

    def _contrast(self, fitted: Model, cells: Cells, c: np.ndarray, times: float) -> Precision:
        """c' β with `times` the runs of `cells`, and the df that the analysis would use."""
        if not fitted.estimable(c):
            return Precision(reason="it is aliased with other effects: see the aliases")
        each = fitted.X @ (fitted.bread @ c)
        parts = each**2 * cells.count
        se = float(np.sqrt(parts.sum() / times))
        count, kind = cells.count * times, error_term(fitted, cells)
        df: float = count.sum() - fitted.rank
        arms, where = cells.merged
        within = np.abs(np.bincount(where, each * cells.count)).max() < 1e-9 * np.abs(each).max()
        if kind == "replicates" or within:
            whole = arms.count * times
            there = whole > 1
            df = contrast_df(np.bincount(where, parts)[there], whole[there] - 1.0)
            df = max(df - 1, 1.0) if within else df  # the effect's own square is no noise
        elif kind == "none":
            return Precision(se, None, "model", NO_ERROR)
        elif kind == "hc2":
            df = min(df, contrast_df(parts, count.astype(float)))
        return Precision(se, float(df), "model")


def _two(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    return ((a, b) for i, a in enumerate(sizes) for b in sizes[i + 1 :])

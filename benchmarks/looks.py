"""Thousands of simulated studies with several looks, by the procedures of `analyze`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.comparisons import contrasted, judged
from benchmarks.populations import Array, Population
from benchmarks.procedures import Found, called
from benchmarks.simulation import Estimates, Layout, estimates, prepared, tables
from runner.analysis.comparisons.welch import welch
from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import Estimate
from runner.analysis.sequential import look_level
from runner.analysis.verdicts import Rules


def looks(
    grid: str, layouts: Sequence[Layout], population: Population, studies: int, seed: int = 0,
    margin: float | None = None,
) -> Found:  # fmt: skip
    """Studies with a look after each of `layouts`; each layout begins with the layout before.

    grid: add-one, or a factorial. The verdict of an effect is its first decided verdict.
    said: the level of each look.
    """
    rng = np.random.default_rng(seed)
    last = layouts[-1]
    _, y = population.studies(rng, studies, last.places())
    seen = [_look(grid, layout, y[:, : len(layout.levels)]) for layout in layouts]
    shares = [len(layout.levels) / len(last.levels) for layout in layouts]
    df = [float(look.estimates.df[0].min()) for look in seen]
    level = look_level(shares, df, tests=seen[0].estimates.value.shape[1])
    rules = Rules(margin, level=level)
    verdicts = np.full(seen[0].estimates.value.shape, "undecided", dtype="<U10")
    for look in seen:
        verdicts = np.where(verdicts == "undecided", look.verdicts(rules), verdicts)
    return Found(seen[-1].estimates, verdicts, said={"level": level})


@dataclass(frozen=True)
class _Look:
    """The estimates of one look at each study.

    contrasts: the arms of each comparison, as indices of cells; empty for a factorial.
    """

    cells: Sequence[Cells]
    found: Sequence[Sequence[Estimate]]
    contrasts: Sequence[tuple[int, ...]] = ()

    @cached_property
    def estimates(self) -> Estimates:
        """The estimates of all studies; the truth is no effect."""
        return estimates(self.found, np.zeros((len(self.found), len(self.found[0]))))

    def verdicts(self, rules: Rules) -> Array:
        """(studies, effects)."""
        if not self.contrasts:
            return called(self.estimates, rules)
        studies = zip(self.found, self.cells, strict=True)
        return np.array([judged("add-one", e, c, self.contrasts, rules)[0] for e, c in studies])


def _look(grid: str, layout: Layout, y: Array) -> _Look:
    cells = list(tables(layout.levels, y))
    if grid == "add-one":
        contrasts = contrasted(grid, [tuple(map(int, arm)) for arm in cells[0].levels])
        return _Look(cells, [[welch(c, i, j) for i, j in contrasts] for c in cells], contrasts)
    known = prepared(layout)
    mains = [known.coding.main_effect(i) for i in range(len(known.coding.mains))]
    fits = [known.fitted(c).fit for c in cells]
    return _Look(cells, [[fit.estimate(c) for c in mains] for fit in fits])

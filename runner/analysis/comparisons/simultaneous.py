"""Adjusted p and intervals that hold for all comparisons of a table at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.analysis.comparisons.dunnett import ManyToOne
from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import Estimate, sidak

# Simulated with an sd between 0.35 and 5.4 pp for each arm: plug-in correlations give a
# family-wise error of 5 to 7 % with 3 to 5 seeds and of 5 % from 10 seeds; Šidák's level 3 to 5 %.
ENOUGH = 10
Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Simultaneous:
    """One entry for each estimate, None for estimates without a standard error.

    p: adjusted. outer: intervals of confidence 1 - level, inner: 1 - 2 level, both for all
    estimates at once. tests: number of tests. how: the procedure in words.
    """

    p: list[float | None]
    outer: list[Interval]
    inner: list[Interval]
    tests: int
    how: str


def by_sidak(estimates: Sequence[Estimate], level: float) -> Simultaneous:
    """Šidák's level, which holds for any correlations between the estimates."""
    tests = max(1, sum(e.p() is not None for e in estimates))
    return Simultaneous(
        p=sidak([e.p() for e in estimates]),
        outer=[e.interval(1 - level, tests) for e in estimates],
        inner=[e.interval(1 - 2 * level, tests) for e in estimates],
        tests=tests,
        how="Šidák: intervals and p hold for all effects at once",
    )


def by_dunnett(
    estimates: Sequence[Estimate],
    cells: Cells,
    arms: Sequence[int | None],
    reference: int | None,
    level: float,
    noise: str,
) -> Simultaneous:
    """Comparisons with one reference by Dunnett, or by Šidák if the arms have too few runs.

    arms: for each estimate the cell that is compared with the cell `reference`. noise: "equal",
    Dunnett's test with the pooled sd; "own", plug-in correlations and Satterthwaite's df of
    each comparison, if every arm has at least `ENOUGH` runs.
    """
    plain = by_sidak(estimates, level)
    known = [i for i, e in enumerate(estimates) if e.p() is not None and e.se]
    there = [arms[i] for i in known]
    if reference is None or plain.tests < 2 or len(known) < plain.tests:
        return plain
    places = np.array([reference, *there], dtype=np.int64)
    if noise == "own" and cells.count[places].min() < ENOUGH:
        few = f"fewer than {ENOUGH} runs in an arm are too few for Dunnett's with unequal noise"
        return Simultaneous(plain.p, plain.outer, plain.inner, plain.tests, f"{plain.how} ({few})")
    variance = 1.0 / cells.count[places]
    if noise == "own":
        variance = cells.sd()[places] ** 2 / cells.count[places]
    loading = np.sqrt(variance[0] / (variance[0] + variance[1:]))
    mine = [estimates[i] for i in known]
    value = np.array([e.value for e in mine], dtype=float)
    se = np.array([e.se for e in mine], dtype=float)
    joint = ManyToOne(loading, np.array([e.df for e in mine], dtype=float))
    p: list[float | None] = [None] * len(estimates)
    outer: list[Interval] = [None] * len(estimates)
    inner: list[Interval] = [None] * len(estimates)
    adjusted = joint.exceeds(value / se)
    wide, narrow = (joint.critical(1 - share) * se for share in (level, 2 * level))
    for k, i in enumerate(known):
        p[i] = float(adjusted[k])
        outer[i] = (float(value[k] - wide[k]), float(value[k] + wide[k]))
        inner[i] = (float(value[k] - narrow[k]), float(value[k] + narrow[k]))
    how = "Dunnett: intervals and p hold for all effects at once"
    if noise == "own":
        how = f"{how}, each arm with its own noise (Hasler and Hothorn 2008)"
    return Simultaneous(p, outer, inner, plain.tests, how)

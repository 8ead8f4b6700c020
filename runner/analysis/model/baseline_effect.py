"""The effect of a factor at the baseline, from a factorial's runs.

The fitted model extrapolates to the corner where all other factors are at their reference. With
two-factor interactions alone the extrapolation can be badly wrong. Where three tricks together
collapse (measured: zero-gamma with EvoNorm), the third trick's estimated effect at the baseline was
+12 ± 4 pp instead of -1. So the runs are first narrowed: every factor that interacts with this
factor must be at its reference. This removes interactions of any order among those factors.
If the design has the two arms themselves, each with replicates, no model is needed. But with two
seeds for each arm, their interval is four times as wide as the interval of a model of all 32 arms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.analysis.comparisons.welch import welch
from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import Estimate, contrast_df, critical
from runner.analysis.model.factorial import Factorial, factorial
from runner.analysis.model.lack_of_fit import lack_of_fit
from runner.analysis.model.regression import ROUNDING
from runner.analysis.verdicts import Rules

# Undetected interactions of three factors may still bias the model's effect at the baseline by as
# much as its error. If the model was used at p >= 0.05 for lack of fit, 90 to 93 % of the intervals
# of a recorded grid held the truth (3 to 8 seeds). At p >= 0.25, with the other effects from the
# two arms, 94 to 95 % held.
FITS = 0.25
ARMS = "the two arms"
MODEL = "model"
NARROWED = "model, narrowed"


@dataclass(frozen=True)
class AtBaseline:
    """The effect at the baseline and the way it was estimated.

    way: ARMS, the baseline's runs against the runs of the arm with this single change; MODEL, the
    model with two-factor interactions, fitted to all runs; NARROWED, the same model, fitted to the
    runs in which the factors that interact with this factor are at their reference. runs: number of
    runs used.
    """

    estimate: Estimate
    way: str
    runs: int


def interacting(fitted: Factorial, i: int, level: float) -> list[int]:
    """Factors whose interaction with contrast `i` is distinguishable from zero.

    The test is Benjamini-Hochberg at `level`, over all interactions without aliases.
    """
    coding = fitted.coding
    found = set()
    for k, rate in fitted.clear_interactions.items():
        a, b = coding.pairs[k]
        if i in (a, b) and rate is not None and rate < level:
            found.add(coding.mains[b if i == a else a].factor)
    return sorted(found)


def baseline_effect(
    fitted: Factorial, cells: Cells, sizes: list[int], factor: int, level: int, rules: Rules
) -> AtBaseline | None:
    """The effect of `level` of `factor` with all other factors at their reference (level 0).

    It comes from the two arms themselves if both have replicates, unless the model is worth its
    risk (`_worthwhile`). Otherwise it comes from the model with two-factor interactions, fitted to
    the runs in which the factors that interact with this factor are at their reference. This
    narrowing is repeated until no factor interacts with it.

    None if the runs cannot estimate the effect. This is so if a narrowed set of runs is too small
    for interactions: an undetected interaction may exist (one such average was 25 pp instead
    of 2). It is also so if some interaction of this factor cannot be estimated at all.
    """
    low = np.zeros(len(sizes), dtype=np.int64)
    high = low.copy()
    high[factor] = level
    arm, base = cells.find(high), cells.find(low)
    direct = None
    if arm is not None and base is not None and min(cells.count[[arm, base]]) > 1:
        estimate = welch(cells, arm, base, rules.noise)
        if estimate.se is not None:
            direct = AtBaseline(estimate, ARMS, int(cells.count[[arm, base]].sum()))
    # The model of all runs is the most precise: if it is not worth its risk, no part of them is.
    if direct and not _worthwhile(_of_all(fitted, factor, level), direct.estimate, fitted, cells):
        return direct
    modelled = _modelled(fitted, cells, sizes, factor, level, rules, narrowed=False)
    told = modelled.estimate if modelled else None
    if direct and not _worthwhile(told, direct.estimate, fitted, cells):
        return direct
    return modelled


def _of_all(fitted: Factorial, factor: int, level: int) -> Estimate | None:
    """The effect at the baseline by the model of all runs, without narrowing."""
    at = {(c.factor, c.level): i for i, c in enumerate(fitted.coding.mains)}
    if (factor, level) not in at:
        return None
    others = {j: 0 for j in _factors(fitted) if j != factor}
    return _estimate(fitted, fitted.coding.simple_effect(at[factor, level], others))


def _worthwhile(
    modelled: Estimate | None, direct: Estimate, fitted: Factorial, cells: Cells
) -> bool:
    """Whether to use the model instead of the two arms.

    Two conditions must hold. The model's expected interval, at equal noise, is at most half as
    wide. And p of its lack of fit is at least `FITS`, so nothing suggests interactions beyond the
    model. Both depend only on the design and on that test, never on the computed widths: choosing
    the narrower of two intervals would reduce the coverage below that of either.
    """
    if modelled is None or modelled.of is None or modelled.se is None:
        return False
    lack = fitted.fit.lack or lack_of_fit(fitted.fit.model, cells, fitted.fit.beta)
    if lack is None or lack.p < FITS:
        return False
    return _expected(modelled, cells) <= _expected(direct, cells) / 2


def _expected(estimate: Estimate, cells: Cells) -> float:
    """Half-width of the estimate's 95 % interval in units of the sd, at equal noise."""
    assert estimate.of is not None
    levels, weights = estimate.of.levels, estimate.of.weights
    if levels is cells.levels:
        count = cells.count
    else:  # of a part of the arms
        runs = dict(zip(map(tuple, cells.levels.tolist()), cells.count, strict=True))
        count = np.array([runs[tuple(arm)] for arm in levels.tolist()])
    parts = weights**2 / count
    again = (count > 1) & (np.abs(weights) > ROUNDING)
    df = contrast_df(parts[again], count[again] - 1.0)
    return float(np.sqrt(parts.sum()) * critical(df))


def _modelled(
    fitted: Factorial,
    cells: Cells,
    sizes: list[int],
    factor: int,
    level: int,
    rules: Rules,
    narrowed: bool,
) -> AtBaseline | None:
    """The effect at the baseline by the model; `narrowed`: whether `cells` are only some runs."""
    coding = fitted.coding
    at = {(c.factor, c.level): i for i, c in enumerate(coding.mains)}
    if (factor, level) not in at:
        return None
    i = at[factor, level]
    elsewhere = cells.levels.min(axis=0) > 0  # factors that are never at their reference
    elsewhere[factor] = False
    if elsewhere.any() or any(i in pair for pair in fitted.unseen):
        return None
    alone = len(set(_factors(fitted))) == 1
    if not fitted.interactions and not alone:
        return None
    held = interacting(fitted, i, rules.level)
    if not held:
        estimate = _of_all(fitted, factor, level)
        way = NARROWED if narrowed else MODEL
        return AtBaseline(estimate, way, int(cells.count.sum())) if estimate else None
    kept = (cells.levels[:, held] == 0).all(axis=1)
    if not kept.any():
        return None
    near = cells.only(kept)
    return _modelled(
        factorial(near, sizes, noise=rules.noise), near, sizes, factor, level, rules, narrowed=True
    )


def _estimate(fitted: Factorial, contrast: np.ndarray) -> Estimate | None:
    """The estimate of the contrast, None if the runs do not determine it."""
    fit = fitted.fit.extrapolating
    return fit.estimate(contrast) if fit.model.estimable(contrast) else None


def _factors(fitted: Factorial) -> list[int]:
    """The factors that vary between the runs."""
    return [contrast.factor for contrast in fitted.coding.mains]

"""The effect of a factor at the baseline, from a factorial's runs.

The fitted model extrapolates to the corner where all other factors are at their reference. With
two-factor interactions alone that corner can be badly wrong: where three tricks together collapse
(measured: zero-gamma with EvoNorm), the third's effect at the baseline came out at +12 ± 4 pp
instead of -1. So the runs are first narrowed to those where every factor that interacts with this
one is at its reference; interactions of any order among those factors are then out of the way.
Where the design has the two arms themselves, each with replicates, no model is needed; but with two
seeds of each their own interval is four times as wide as that of a model of all 32 arms.
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

# Interactions of three factors too small to be seen may still bias the model's effect at the
# baseline by as much as its error: with p >= 0.05 as the test of lack of fit 90 to 93 % of the
# intervals of a recorded grid held the truth (3 to 8 seeds), with 0.25 and the rest from the two
# arms 94 to 95 %.
FITS = 0.25
ARMS = "the two arms"
MODEL = "model"
NARROWED = "model, narrowed"


@dataclass(frozen=True)
class AtBaseline:
    """The effect at the baseline and where it came from.

    way: ARMS, the baseline's runs against those of the arm with this single change; MODEL, the
    model with two-factor interactions of all runs; NARROWED, the same of the runs in which the
    factors that interact with this one are at their reference. runs: on which it rests.
    """

    estimate: Estimate
    way: str
    runs: int


def interacting(fitted: Factorial, i: int, level: float) -> list[int]:
    """Factors whose interaction with contrast `i` is distinguishable from zero.

    Benjamini-Hochberg below `level` over all interactions that are clear of aliases.
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
    """The effect of `level` of `factor` with all others at their reference (level 0).

    From the two arms themselves, if both have replicates, unless the model is worth its risk
    (`_worthwhile`). Otherwise from the model with two-factor interactions, fitted to the runs in
    which the factors that interact with this one are at their reference; again and again until
    none does. None if the runs cannot tell: so where such a narrowed set of runs is too small for
    interactions (an interaction that was not seen is not one that is absent: averaged over, it
    showed 25 pp where there were 2), and wherever the runs do not show some interaction of this
    factor at all.
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
    # Of all runs the model tells it best: where that is not worth its risk no part of them is.
    if direct and not _worthwhile(_of_all(fitted, factor, level), direct.estimate, fitted, cells):
        return direct
    modelled = _modelled(fitted, cells, sizes, factor, level, rules, narrowed=False)
    told = modelled.estimate if modelled else None
    if direct and not _worthwhile(told, direct.estimate, fitted, cells):
        return direct
    return modelled


def _of_all(fitted: Factorial, factor: int, level: int) -> Estimate | None:
    """The effect at the baseline by the model of all runs, whatever interacts."""
    at = {(c.factor, c.level): i for i, c in enumerate(fitted.coding.mains)}
    if (factor, level) not in at:
        return None
    others = {j: 0 for j in _factors(fitted) if j != factor}
    return _estimate(fitted, fitted.coding.simple_effect(at[factor, level], others))


def _worthwhile(
    modelled: Estimate | None, direct: Estimate, fitted: Factorial, cells: Cells
) -> bool:
    """Whether to trust the model instead of the two arms.

    Where its interval is expected, at equal noise, to be at most half as wide, and nothing hints
    at interactions that the model has not: p of its lack of fit is at least `FITS`. Both are
    settled by the design and by that test, never by the widths that came out: the narrower of two
    intervals covers less than either.
    """
    if modelled is None or modelled.of is None or modelled.se is None:
        return False
    lack = fitted.fit.lack or lack_of_fit(fitted.fit.model, cells, fitted.fit.beta)
    if lack is None or lack.p < FITS:
        return False
    return _expected(modelled, cells) <= _expected(direct, cells) / 2


def _expected(estimate: Estimate, cells: Cells) -> float:
    """Half-width of the estimate's 95 % interval over the sd, if all arms had the same."""
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
    return float(np.sqrt(parts.sum()) * critical(0.025, df))


def _modelled(
    fitted: Factorial,
    cells: Cells,
    sizes: list[int],
    factor: int,
    level: int,
    rules: Rules,
    narrowed: bool,
) -> AtBaseline | None:
    """The effect at the baseline by the model; `narrowed`: whether `cells` are not all runs."""
    coding = fitted.coding
    at = {(c.factor, c.level): i for i, c in enumerate(coding.mains)}
    if (factor, level) not in at:
        return None
    i = at[factor, level]
    elsewhere = cells.levels.min(axis=0) > 0  # other factors that never are at their reference
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
    """The contrast, if the runs determine it."""
    fit = fitted.fit.extrapolating
    return fit.estimate(contrast) if fit.model.estimable(contrast) else None


def _factors(fitted: Factorial) -> list[int]:
    """Factors that vary."""
    return [contrast.factor for contrast in fitted.coding.mains]

"""The effect of a factor at the baseline, from a factorial's runs.

The fitted model extrapolates to the corner where all other factors are at their reference. With
two-factor interactions alone that corner can be badly wrong: where three tricks together collapse
(measured: zero-gamma with EvoNorm), the third's effect at the baseline came out at +12 ± 4 pp
instead of -1. So the runs are first narrowed to those where every factor that interacts with this
one is at its reference; interactions of any order among those factors are then out of the way.
"""

from __future__ import annotations

import numpy as np

from runner.analysis.cells import Cells
from runner.analysis.estimates import Estimate, benjamini_hochberg
from runner.analysis.factorial import Factorial, clear_of_interactions, factorial


def interacting(fitted: Factorial, i: int) -> list[int]:
    """Factors whose interaction with contrast `i` is distinguishable from zero.

    Benjamini-Hochberg below 0.05 over all interactions that are clear of aliases.
    """
    coding = fitted.coding
    clear = [k for k, members in enumerate(fitted.aliases) if len(members) == 1]
    p = benjamini_hochberg([fitted.fit.estimate(coding.interaction(k)).p() for k in clear])
    found = set()
    for k, rate in zip(clear, p, strict=True):
        a, b = coding.pairs[k]
        if i in (a, b) and rate is not None and rate < 0.05:
            found.add(coding.mains[b if i == a else a].factor)
    return sorted(found)


def baseline_effect(
    fitted: Factorial,
    cells: Cells,
    sizes: list[int],
    factor: int,
    level: int,
    narrowed: bool = False,
) -> Estimate | None:
    """The effect of `level` of `factor` with all others at their reference (level 0).

    From the model with two-factor interactions, fitted to the runs in which the factors that
    interact with this one are at their reference; again and again until none does. Where such a
    narrowed set of runs is too small for interactions, the other factors, none of which was seen
    to interact with this one, are averaged over instead, if the set is balanced enough for that.
    None if the runs cannot tell.
    narrowed: whether `cells` is such a set already.
    """
    coding = fitted.coding
    at = {(c.factor, c.level): i for i, c in enumerate(coding.mains)}
    if (factor, level) not in at:
        return None
    i = at[factor, level]
    alone = len(set(_factors(fitted))) == 1
    if not fitted.interactions and not alone:
        clear = narrowed and clear_of_interactions(fitted, cells, i)
        return _estimate(fitted, coding.main_effect(i)) if clear else None
    if any(i in pair for pair in fitted.unseen):
        return None
    held = interacting(fitted, i)
    if not held:
        others = {j: 0 for j in _factors(fitted) if j != factor}
        return _estimate(fitted, coding.simple_effect(i, others))
    kept = (cells.levels[:, held] == 0).all(axis=1)
    if not kept.any():
        return None
    near = Cells(cells.levels[kept], cells.count[kept], cells.mean[kept], cells.squares[kept])
    return baseline_effect(factorial(near, sizes), near, sizes, factor, level, narrowed=True)


def _estimate(fitted: Factorial, contrast: np.ndarray) -> Estimate | None:
    """The contrast, if the runs determine it."""
    return fitted.fit.estimate(contrast) if fitted.fit.model.estimable(contrast) else None


def _factors(fitted: Factorial) -> list[int]:
    """Factors that vary."""
    return [contrast.factor for contrast in fitted.coding.mains]

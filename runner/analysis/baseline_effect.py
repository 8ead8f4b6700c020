"""The effect of a factor at the baseline, from a factorial's runs.

The fitted model extrapolates to the corner where all other factors are at their reference. With
two-factor interactions alone that corner can be badly wrong: where three tricks together collapse
(measured: zero-gamma with EvoNorm), the third's effect at the baseline came out at +12 ± 4 pp
instead of -1. So the runs are first narrowed to those where every factor that interacts with this
one is at its reference; interactions of any order among those factors are then out of the way.
"""

from __future__ import annotations

from runner.analysis.cells import Cells
from runner.analysis.estimates import Estimate, benjamini_hochberg
from runner.analysis.factorial import Factorial, factorial


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
    fitted: Factorial, cells: Cells, sizes: list[int], factor: int, level: int
) -> Estimate | None:
    """The effect of `level` of `factor` with all others at their reference (level 0).

    From the model with two-factor interactions, fitted to the runs in which the factors that
    interact with this one are at their reference; again and again until none does, or until too
    few runs are left to fit it. None if the runs cannot tell.
    """
    coding = fitted.coding
    at = {(c.factor, c.level): i for i, c in enumerate(coding.mains)}
    if (factor, level) not in at or any(at[factor, level] in pair for pair in fitted.unseen):
        return None
    i = at[factor, level]
    if not fitted.interactions and len(set(_factors(fitted))) > 1:
        return None
    held = interacting(fitted, i)
    if held:
        kept = (cells.levels[:, held] == 0).all(axis=1)
        near = Cells(cells.levels[kept], cells.count[kept], cells.mean[kept], cells.squares[kept])
        if len(near.count):
            found = baseline_effect(factorial(near, sizes), near, sizes, factor, level)
            if found is not None:
                return found
    others = {j: 0 for j in _factors(fitted) if j != factor}
    contrast = coding.simple_effect(i, others)
    return fitted.fit.estimate(contrast) if fitted.fit.model.estimable(contrast) else None


def _factors(fitted: Factorial) -> list[int]:
    """Factors that vary."""
    return [contrast.factor for contrast in fitted.coding.mains]

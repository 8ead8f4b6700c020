"""Comparisons of arms: each with one other, every arm with its own run-to-run sd.

Dunnett's test, the textbook choice for many arms against one control, pools the sd of all arms.
Measured sd of real arms differ tenfold (0.35 to 5.4 pp on digits), and then Dunnett's intervals
are far too narrow for the noisy arms and far too wide for the quiet ones. So the default is
Welch's t with Šidák's level, which is Tamhane's T2 for many-to-one comparisons.
"""

from __future__ import annotations

import numpy as np

from runner.analysis.cells import Cells
from runner.analysis.estimates import Estimate, Linear

ONE_RUN = "one run in an arm: an interval needs at least two seeds in both arms (--seeds 3)"


def welch(cells: Cells, arm: int | None, other: int | None) -> Estimate:
    """mean(arm) - mean(other), with Welch's standard error and Satterthwaite's df."""
    if arm is None or other is None:
        return Estimate(None, reason="no usable run in one of the two arms")
    return combination(cells, [arm, other], [1.0, -1.0])


def combination(cells: Cells, arms: list[int], weights: list[float]) -> Estimate:
    """Σ weight · mean over `arms`, each with its own variance; Satterthwaite's df.

    Without an interval if an arm has one run, or if no arm's runs differ.
    """
    n = cells.count[arms]
    w = np.array(weights)
    value = float(w @ cells.mean[arms])
    of = Linear(cells.levels[arms], w)
    if (n < 2).any():
        return Estimate(value, reason=ONE_RUN, of=of)
    parts = w**2 * cells.squares[arms] / (n - 1) / n
    if parts.sum() == 0:
        reason = "all runs of these arms are equal: there is no noise to see"
        return Estimate(value, reason=reason, of=of)
    df = parts.sum() ** 2 / (parts**2 / (n - 1)).sum()
    return Estimate(value, float(np.sqrt(parts.sum())), float(df), of=of)


def centre(cells: Cells, preferred: np.ndarray) -> np.ndarray | None:
    """Level indices of the arm from which every other arm differs in at most one factor.

    (factors,); `preferred` if it qualifies, even if it has no run of its own.
    """
    candidates = [preferred, *cells.levels]
    for arm in candidates:
        if ((cells.levels != arm).sum(axis=1) <= 1).all():
            return np.asarray(arm)
    return None

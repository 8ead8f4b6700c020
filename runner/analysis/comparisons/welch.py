"""Comparisons of arms, each with its own run-to-run sd, unless noise is assumed to be equal.

Measured sds of real arms differ tenfold (0.35 to 5.4 pp on digits). A pooled sd makes intervals
far too narrow for high-variance arms and far too wide for low-variance arms. With sds drawn evenly
from that range, the family-wise error of Dunnett's test of 10 arms is 8 % with equal numbers of
runs, and 13 % if the control has three times as many. So Welch's t is the default.

Satterthwaite's df is limited to the df under equal noise. Otherwise an arm of few runs that agree
by chance would get the df of a control with many runs. Then 10 arms of 3 runs against a control of
9 runs had a family-wise error of 10 %; with the limit it is 1 to 3 %. One problem remains: a
control with a tenth of every arm's sd gives 7 to 10 % with 3 runs, 5 to 6 % with 5 runs. Only the
df of the smaller sample (2 df for 3 runs) would solve it, but it would double all intervals.
"""

from __future__ import annotations

import numpy as np

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import EQUAL_RUNS, Estimate, Linear

ONE_RUN = "one run in an arm: an interval needs at least two seeds in both arms (--seeds 3)"


def welch(cells: Cells, arm: int, other: int, noise: str = "own") -> Estimate:
    """mean(arm) - mean(other); see `combination`."""
    return combination(cells, [arm, other], [1.0, -1.0], noise)


def combination(
    cells: Cells, arms: list[int], weights: list[float], noise: str = "own"
) -> Estimate:
    """Σ weight · mean over `arms`, with its standard error.

    noise: "own", the variance of each arm and Satterthwaite's df, at most the df of equal noise;
    "equal", the sd pooled over all cells. There is no interval if an arm has only one run ("own"),
    if no arm has two runs ("equal"), or if no runs of an arm differ.
    """
    n = cells.count[arms]
    w = np.array(weights)
    value = float(w @ cells.mean[arms])
    of = Linear(cells.levels[arms], w)
    pooled = cells.pooled_sd if noise == "equal" else None
    if (n < 2).any() and pooled is None:
        return Estimate(value, reason=ONE_RUN, of=of)
    parts = w**2 / n * (pooled**2 if pooled is not None else cells.squares[arms] / (n - 1))
    if parts.sum() == 0:
        return Estimate(value, reason=EQUAL_RUNS, of=of)
    if pooled is not None:
        return Estimate(value, float(np.sqrt(parts.sum())), float(cells.replicate_df), of=of)
    df = min(satterthwaite(parts, n), satterthwaite(w**2 / n, n))
    return Estimate(value, float(np.sqrt(parts.sum())), df, of=of)


def satterthwaite(parts: np.ndarray, n: np.ndarray) -> float:
    """df of Σ parts (k,), each the estimated variance of a mean of n (k,) runs."""
    return float(parts.sum() ** 2 / (parts**2 / (n - 1)).sum())


def centre(cells: Cells, preferred: np.ndarray) -> np.ndarray | None:
    """(factors,) level indices of the arm from which every other arm differs in at most one factor.

    It is `preferred` if that arm qualifies, even if the arm has no run. None without such an arm.
    """
    candidates = np.concatenate([np.atleast_2d(preferred), cells.levels])
    if ((cells.levels != preferred).sum(axis=1) <= 1).all():
        return np.asarray(preferred)
    for arm in cells.levels:  # only few arms pass the first comparisons
        candidates = candidates[(candidates != arm).sum(axis=1) <= 1]
        if not len(candidates):
            return None
    return np.asarray(candidates[0])

"""Comparisons of arms, each arm with its own run-to-run sd unless noise is taken as equal.

Measured sd of real arms differ tenfold (0.35 to 5.4 pp on digits). A pooled sd makes intervals
far too narrow for the noisy arms and far too wide for the quiet ones: with sd drawn evenly from
that range the family-wise error of Dunnett's test against 10 arms is 8 % with equal numbers of
runs and 13 % where the control has three times as many. So Welch's t is the default.

Satterthwaite's df is held at what equal noise would give. Where a control of many runs meets arms
of few, an arm whose few runs agree by luck would otherwise pass for a quiet one, at the control's
df: 10 arms of 3 runs against 9 had a family-wise error of 10 %, so it has 1 to 3 %. What remains is
a control ten times quieter than every arm: 7 to 10 % with 3 runs, 5 to 6 % with 5. Only df of
the smaller sample (2 of 3 runs) would cure that, at twice the width for everybody.
"""

from __future__ import annotations

import numpy as np

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import EQUAL_RUNS, Estimate, Linear

ONE_RUN = "one run in an arm: an interval needs at least two seeds in both arms (--seeds 3)"


def welch(cells: Cells, arm: int | None, other: int | None, noise: str = "own") -> Estimate:
    """mean(arm) - mean(other); see `combination`."""
    if arm is None or other is None:
        return Estimate(None, reason="no usable run in one of the two arms")
    return combination(cells, [arm, other], [1.0, -1.0], noise)


def combination(
    cells: Cells, arms: list[int], weights: list[float], noise: str = "own"
) -> Estimate:
    """Σ weight · mean over `arms`, with its standard error.

    noise: "own", the variance of each arm and Satterthwaite's df, at most those of equal noise;
    "equal", the sd pooled over all cells. Without an interval if an arm has one run ("own"), if
    no arm has two ("equal"), or if no runs of an arm differ.
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
    df = min(_satterthwaite(parts, n), _satterthwaite(w**2 / n, n))
    return Estimate(value, float(np.sqrt(parts.sum())), df, of=of)


def _satterthwaite(parts: np.ndarray, n: np.ndarray) -> float:
    """df of Σ parts, each the variance of a mean of n runs."""
    return float(parts.sum() ** 2 / (parts**2 / (n - 1)).sum())


def centre(cells: Cells, preferred: np.ndarray) -> np.ndarray | None:
    """Level indices of the arm from which every other arm differs in at most one factor.

    (factors,); `preferred` if it qualifies, even if it has no run of its own.
    """
    candidates = np.concatenate([np.atleast_2d(preferred), cells.levels])
    if ((cells.levels != preferred).sum(axis=1) <= 1).all():
        return np.asarray(preferred)
    for arm in cells.levels:  # few candidates are left after two or three
        candidates = candidates[(candidates != arm).sum(axis=1) <= 1]
        if not len(candidates):
            return None
    return np.asarray(candidates[0])

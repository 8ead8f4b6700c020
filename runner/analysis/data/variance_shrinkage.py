"""Variances of arms with few runs each, shrunk towards the variances of the other arms."""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize, special

from runner.analysis.data.arm_statistics import Cells

MOST_DF = 1e4  # df of the prior if variances differ no more than by chance
FEWEST_ARMS = 3  # arms with a variance that are needed to estimate the prior


def moderated(cells: Cells) -> tuple[np.ndarray, np.ndarray] | None:
    """(cells,) sums of squares and df: each arm's variance is a draw of squares / χ²(df).

    None if fewer than FEWEST_ARMS arms have a variance.

    Empirical Bayes (Smyth 2004, doi:10.2202/1544-6115.1027): variances are assumed to come from a
    scaled inverse χ², whose df and scale are estimated from their logarithms. Without shrinkage an
    arm of two runs has a t of one df, whose tails would make any noisy arm a candidate.
    """
    own = cells.count - 1.0
    variance = np.nan_to_num(cells.sd() ** 2)
    seen = variance > 0
    if seen.sum() < FEWEST_ARMS:
        return None
    half = own[seen] / 2
    logs = np.log(variance[seen]) - special.digamma(half) + np.log(half)
    spread = logs.var(ddof=1) - special.polygamma(1, half).mean()
    prior = 2 * _inverse_trigamma(spread) if spread > 0 else MOST_DF
    scale = math.exp(logs.mean() + float(special.digamma(prior / 2)) - math.log(prior / 2))
    df = np.minimum(prior + own, cells.replicate_df)  # at most the df of all replicates
    return (prior * scale + own * variance) / (prior + own) * df, df


def _inverse_trigamma(value: float) -> float:
    """The x with trigamma(x) = value, within the range of possible variance ratios."""
    low, high = 1e-3, MOST_DF / 2
    if value >= special.polygamma(1, low):
        return low
    if value <= special.polygamma(1, high):
        return high
    return float(optimize.brentq(lambda x: special.polygamma(1, x) - value, low, high))

"""Effects by ranks: diverged runs get the worst rank, so no run is dropped.

Brunner and Munzel (Biometrical Journal 42, 2000): the probability that a run with the trick is
better than a run without it, with ties counted half, for unequal noise and shapes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from runner.analysis.comparisons.welch import satterthwaite
from runner.analysis.data.estimates import finite


@dataclass(frozen=True)
class WorstRank:
    """P(a run with the trick is better than a run without) + ½ P(equal); diverged runs are worst.

    low, high: the interval; p: of the value ½; all None, with the `reason`, if they cannot be
    computed. runs: numbers of runs with and without the trick.
    """

    probability: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    runs: tuple[int, int] = (0, 0)
    reason: str | None = None


def least_p(n: int, m: int) -> float:
    """The smallest two-sided p that a rank test of `n` against `m` runs can reach.

    >>> least_p(3, 3)
    0.1
    """
    return min(1.0, 2 / math.comb(n + m, n))


def worst_rank(
    on: np.ndarray, off: np.ndarray, larger_is_better: bool | None, level: float
) -> WorstRank:
    """P(on better than off) + ½ P(equal), its interval and p of ½; NaN for a diverged run.

    on, off: (runs,) the metric. Interval and p are None, with the reason, if no rank test of
    so few runs can reach `level`, or if all runs of one side are better.
    """
    runs = len(on), len(off)
    if not len(on) or not len(off):
        return WorstRank(runs=runs, reason="no run on one of the two sides")
    if larger_is_better is None:
        return WorstRank(runs=runs, reason="the better direction of the metric is not known")
    sign = 1.0 if larger_is_better else -1.0
    y = sign * np.concatenate([on, off])
    worst = np.nanmin(y, initial=0.0) - 1
    y = np.where(np.isnan(y), worst, y)
    n, m = len(on), len(off)
    rank = stats.rankdata(y)
    first = rank[:n] - stats.rankdata(y[:n])  # runs of the other side below, for each run
    second = rank[n:] - stats.rankdata(y[n:])
    share = float(first.mean() / m)
    found = WorstRank(share, runs=runs)
    if least_p(n, m) > level:
        said = f"the smallest p of a rank test of {n} against {m} runs is {least_p(n, m):.2g}"
        return replace(found, reason=said)
    if min(n, m) < 2:
        return replace(found, reason="one side has only one run: its spread is not known")
    parts = np.array([first.var(ddof=1) / m**2 / n, second.var(ddof=1) / n**2 / m])
    if not parts.sum() > 0 or not 0 < share < 1:
        side = "all equal" if share == 0.5 else "all on one side"
        return replace(found, reason=f"the runs are {side}: their spread is not known")
    df = satterthwaite(parts, np.array([n, m]))
    se = math.sqrt(parts.sum())
    # On the logit scale the interval stays within 0..1.
    centre = math.log(share / (1 - share))
    half = float(stats.t.isf(level / 2, df)) * se / (share * (1 - share))
    low, high = (1 / (1 + math.exp(-(centre + x))) for x in (-half, half))
    p = finite(float(2 * stats.t.sf(abs(share - 0.5) / se, df)))
    return replace(found, low=low, high=high, p=p)

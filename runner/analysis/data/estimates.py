"""Estimate: a number with standard error and degrees of freedom; adjustments for many tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import special, stats

EQUAL_RUNS = "all runs of these arms are equal, so the noise cannot be estimated"


@dataclass(frozen=True)
class Linear:
    """A linear combination of the arms' means: Σ weights · mean.

    levels: (arms, factors) level indices; weights: (arms,), which sum to 0 for an effect.
    """

    levels: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """A contrast in the metric's unit, or the reason why there is none.

    value: the contrast, None if it cannot be estimated.
    se: its standard error, None if there are no error degrees of freedom.
    df: degrees of freedom of `se` (Satterthwaite's are not whole).
    reason: why `value` or `se` is None.
    of: the linear combination of arms' means, if the estimate is one.
    """

    value: float | None
    se: float | None = None
    df: float | None = None
    reason: str | None = None
    of: Linear | None = field(default=None, compare=False, repr=False)

    def interval(self, confidence: float = 0.95, tests: int = 1) -> tuple[float, float] | None:
        """Two-sided interval; with `tests` > 1 simultaneous over so many contrasts (Šidák)."""
        if self.value is None or self.se is None or self.df is None:
            return None
        half = critical(self.df, 1 - confidence ** (1 / tests)) * self.se
        return self.value - half, self.value + half

    def p(self) -> float | None:
        """Two-sided p of no effect, unadjusted."""
        if self.value is None or self.se is None or self.df is None:
            return None
        if self.se == 0:
            return 1.0 if self.value == 0 else 0.0
        return float(2 * special.stdtr(self.df, -abs(self.value) / self.se))


def finite(value: float | None) -> float | None:
    """The number, or None for NaN and infinities."""
    return float(value) if value is not None and math.isfinite(value) else None


def critical(df: float, alpha: float = 0.05) -> float:
    """The two-sided critical value of t, without `scipy.stats`' overhead; df may be infinite.

    >>> round(critical(30), 3)
    2.042
    """
    return float(-special.stdtrit(df, alpha / 2))


def contrast_df(parts: np.ndarray, df: np.ndarray) -> float:
    """Satterthwaite's df of a sum of independent variance estimates.

    parts: (k,) the terms of the sum, df: (k,) the df of each. With many terms of few df the
    plain formula is far too small, since it squares noisy variances. So each square is multiplied
    by df / (df + 2), which corrects its expectation, and 2 is subtracted.

    >>> round(contrast_df(np.array([1.0]), np.array([7.0])), 6)
    7.0
    """
    squares, most = float((parts**2 / (df + 2)).sum()), float(df.sum())
    if squares == 0:
        return most
    return float(min(max(parts.sum() ** 2 / squares - 2, df.min()), most))


def sidak(p: Sequence[float | None]) -> list[float | None]:
    """Single-step Šidák over all p that are not None; agrees with Šidák's intervals."""
    tests = sum(x is not None for x in p)
    return [None if x is None else -math.expm1(tests * math.log1p(-min(x, 1 - 1e-16))) for x in p]


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment over all p that are not None.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    known = sorted((x, i) for i, x in enumerate(p) if x is not None)
    adjusted: list[float | None] = [None] * len(p)
    largest = 0.0
    for rank, (x, i) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * x))
        adjusted[i] = largest
    return adjusted


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Benjamini-Hochberg's false discovery rate over all p that are not None."""
    places = [i for i, x in enumerate(p) if x is not None]
    adjusted: list[float | None] = [None] * len(p)
    if places:
        rates = stats.false_discovery_control([p[i] for i in places])
        for i, rate in zip(places, rates, strict=True):
            adjusted[i] = float(rate)
    return adjusted


def percent(share: float) -> str:
    """A confidence in per cent, as text.

    >>> percent(0.95), percent(1 - 0.0184)
    ('95 %', '98.2 %')
    """
    return f"{100 * share:.3g} %"


def wilson(count: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share, as (low, high) in 0..1."""
    interval = stats.binomtest(count, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)

"""Power: the effects that a design detects, and the number of runs that decides an open effect.

Effects, standard errors and margins are in the metric's unit (pp for accuracies). Power is that of
the t test, by the noncentral t. The usual t_{1-α/2} + t_power agrees from about 10 error df,
but at few df it is too optimistic (3 df at α = 0.05 / 12: power 0.70 instead of 0.80, simulated).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import optimize, special, stats

from runner.analysis.data.estimates import Estimate, critical

POWER = 0.8
MOST_TIMES = 100.0  # times the present runs: beyond this no number is given


def family(alpha: float, tests: int) -> float:
    """Šidák's level for each of `tests` tests, so that all tests together have level α."""
    return alpha if tests <= 1 else -math.expm1(math.log1p(-alpha) / tests)


def detectable(
    se: float | None, df: float | None, power: float = POWER, alpha: float = 0.05, tests: int = 1
) -> float | None:
    """The smallest true effect that is significant with probability `power`.

    About (t_{1-α/2} + t_power) · se. tests: number of effects for which α holds at once (Šidák).
    None without a standard error.

    >>> round(detectable(0.25, 30), 2), round(detectable(0.25, 30, tests=10), 2)
    (0.72, 0.97)
    """
    if se is None or df is None or not df > 0:
        return None
    return _noncentrality(df, power, family(alpha, tests)) * se


def half_width(
    se: float | None, df: float | None, alpha: float = 0.05, tests: int = 1
) -> float | None:
    """Half of the 1 - α interval, simultaneous over `tests` effects; None without an error."""
    if se is None or df is None or not df > 0:
        return None
    return critical(df, family(alpha, tests)) * se


def upper_sd(sd: float, df: float, confidence: float = 0.8) -> float:
    """One-sided upper bound of a pilot's sd (χ²).

    A plan based on the estimated sd itself would be too small in half of all cases.

    >>> round(upper_sd(0.3, 2), 2), round(upper_sd(0.3, 30), 2)
    (0.64, 0.34)
    """
    return sd * math.sqrt(df / float(stats.chi2.ppf(1 - confidence, df)))


@dataclass(frozen=True)
class Detectable:
    """The smallest effect that the runs detect with probability `power`.

    low: for the most precise effect of a table, high: for the least precise effect.
    """

    power: float
    low: float
    high: float


@dataclass(frozen=True)
class MoreRuns:
    """Runs still needed to decide an effect.

    runs: how many more, None if no number can be given; times: all runs together, as a multiple of
    the present runs; to: "effect" (its interval would exclude 0) or "negligible"; reason: why
    `runs` is None.
    """

    runs: int | None
    times: float | None = None
    to: str | None = None
    reason: str | None = None


def more_runs(
    estimate: Estimate,
    runs: int,
    margin: float | None = None,
    alpha: float = 0.05,
    tests: int = 1,
    margin_tests: int | None = None,
) -> MoreRuns:
    """More runs of the same design that would decide an effect with probability `POWER`.

    This takes the present estimate as the truth and assumes the present noise: m · `runs` runs
    have the standard error se / √m and one more error df for each added run. Decided means
    that the 1 - α interval excludes 0, or that the 1 - 2α interval lies within ± `margin`;
    the smaller number of runs is given. The estimate itself is noisy, and the largest of
    many estimates is too large, so the number is rough and too low more often than too high.
    Without a margin an estimate near 0 would need millions of runs, so no number above `MOST_TIMES`
    times the present runs is given. For an effect that is decided now the number is 0.

    runs: the runs of the comparison or the fit. tests: as in `detectable`; margin_tests:
    the same for the interval within the margin.

    >>> more_runs(Estimate(0.5, 0.4, 30), 64, margin=0.2).runs
    260
    >>> more_runs(Estimate(0.0, 0.4, 30), 64).reason
    'at this estimate and noise it would take more than 100 times the runs'
    """
    se, df = estimate.se, estimate.df
    if estimate.value is None:
        return MoreRuns(None, reason="the effect is not known")
    if se is None or df is None or not df > 0:
        return MoreRuns(None, reason="its noise is not known: no error degrees of freedom")
    size, level = abs(estimate.value), family(alpha, tests)
    inner = family(2 * alpha, tests if margin_tests is None else margin_tests)
    if se == 0 or size > critical(df, level) * se:
        return MoreRuns(0, 1.0, "effect")
    if margin is not None and size + critical(df, inner) * se < margin:
        return MoreRuns(0, 1.0, "negligible")

    def shown(times: float) -> float:
        spread, free = se / math.sqrt(times), df + (times - 1) * runs
        return _exceeds(size / spread, free, critical(free, level))

    def equivalent(times: float) -> float:
        assert margin is not None
        spread, free = se / math.sqrt(times), df + (times - 1) * runs
        bound = critical(free, inner)
        near = _exceeds((margin - size) / spread, free, bound)
        return near + _exceeds((margin + size) / spread, free, bound) - 1

    ways = [(_first(shown), "effect")]
    if margin is not None and size < margin:
        ways.append((_first(equivalent), "negligible"))
    known = [(times, to) for times, to in ways if times is not None]
    if not known:
        few = f"at this estimate and noise it would take more than {MOST_TIMES:g} times the runs"
        return MoreRuns(None, reason=few)
    times, to = min(known)
    return MoreRuns(math.ceil((times - 1) * runs), times, to)


def _first(chance: Callable[[float], float]) -> float | None:
    """The smallest multiple of the runs whose chance is `POWER`; None beyond `MOST_TIMES`."""
    if chance(1.0) >= POWER:
        return 1.0
    if chance(MOST_TIMES) < POWER:
        return None
    return float(optimize.brentq(lambda times: chance(times) - POWER, 1.0, MOST_TIMES, rtol=1e-6))


def _exceeds(shift: float, df: float, bound: float) -> float:
    """P(t > bound) for the noncentral t with noncentrality `shift`."""
    if math.isinf(df) or df > 1e5:
        return float(special.ndtr(shift - bound))
    below = float(special.nctdtr(df, shift, bound))
    if math.isnan(below):  # SciPy's series sometimes fails for a large shift or df
        wide = math.sqrt(1 + bound**2 / (2 * df))
        below = float(special.ndtr((bound * (1 - 1 / (4 * df)) - shift) / wide))
    return 1 - below


def _noncentrality(df: float, power: float, alpha: float) -> float:
    """Noncentrality at which the t test has `power`; the far tail (below 1e-4) is ignored."""
    bound = critical(df, alpha)
    if math.isinf(df) or df > 1e5:
        return max(0.0, bound + float(special.ndtri(power)))
    return max(0.0, float(special.nctdtrinc(df, 1 - power, bound)))

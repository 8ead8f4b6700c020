"""Verdicts: what an estimate allows one to say."""

from __future__ import annotations

from runner.analysis.estimates import Estimate

NEGLIGIBLE = 0.2  # pp: the default margin within which an accuracy effect is called negligible


def verdict(
    estimate: Estimate,
    p_adjusted: float | None,
    margin: float | None,
    larger_is_better: bool,
    tests: int = 1,
) -> str:
    """helps, hurts, negligible or undecided.

    negligible: two one-sided tests at 5 % each, i.e. the 90 % interval lies within ± `margin`;
    it is asked first, since a tiny effect is tiny even if it is not zero. With `tests` > 1 that
    interval holds for so many effects at once (Šidák).
    helps, hurts: `p_adjusted` below 0.05. undecided: everything else, also without an interval.

    >>> verdict(Estimate(1.0, 0.1, 20), 0.001, 0.2, True)
    'helps'
    >>> verdict(Estimate(0.0, 0.1, 20), 1.0, 0.2, True)
    'negligible'
    >>> verdict(Estimate(1.0), None, 0.2, True)
    'undecided'
    """
    inner = estimate.interval(0.90, tests)
    if inner is None or estimate.value is None or p_adjusted is None:
        return "undecided"
    if margin is not None and -margin < inner[0] and inner[1] < margin:
        return "negligible"
    if p_adjusted >= 0.05:
        return "undecided"
    return "helps" if (estimate.value > 0) == larger_is_better else "hurts"

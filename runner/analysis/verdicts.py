"""Verdicts: helps, hurts, negligible or undecided, from an estimate."""

from __future__ import annotations

from dataclasses import dataclass

from runner.analysis.data.estimates import Estimate

NEGLIGIBLE = 0.2  # pp: the default margin within which an accuracy effect is called negligible

DECIDED = ("helps", "hurts", "raises", "lowers")


@dataclass(frozen=True)
class Rules:
    """The rules for verdicts.

    margin: effects within ± margin are negligible, in the metric's unit; None: no margin.
    larger_is_better: None if unknown: then effects raise or lower the metric.
    level: error rate of the tests. noise: see `Experiment`.
    """

    margin: float | None
    larger_is_better: bool | None = True
    level: float = 0.05
    noise: str = "own"


def verdict(
    estimate: Estimate, p_adjusted: float | None, inner: tuple[float, float] | None, rules: Rules
) -> str:
    """helps, hurts, negligible or undecided; raises or lowers if no direction is known.

    negligible: two one-sided tests at `rules.level` each: `inner`, the interval of confidence
    1 - 2 level (90 %), lies within the margin. This is tested first, since a tiny effect may be
    different from zero. `inner` holds for as many effects at once as the table's intervals.
    helps, hurts, raises, lowers: `p_adjusted` is below the level. undecided: all other effects,
    also those without an interval.

    >>> sure = Rules(margin=0.2)
    >>> verdict(Estimate(1.0, 0.1, 20), 0.001, (0.8, 1.2), sure)
    'helps'
    >>> verdict(Estimate(0.0, 0.1, 20), 1.0, (-0.17, 0.17), sure)
    'negligible'
    >>> verdict(Estimate(1.0), None, None, sure)
    'undecided'
    """
    if inner is None or estimate.value is None or p_adjusted is None:
        return "undecided"
    if rules.margin is not None and -rules.margin < inner[0] and inner[1] < rules.margin:
        return "negligible"
    if p_adjusted >= rules.level:
        return "undecided"
    if rules.larger_is_better is None:
        return "raises" if estimate.value > 0 else "lowers"
    return "helps" if (estimate.value > 0) == rules.larger_is_better else "hurts"


def by_interval(low: float | None, high: float | None, rules: Rules) -> str:
    """The verdict by an interval alone, which decides the sign and the margin.

    low, high: the ends of the interval, None without an interval.

    >>> rules = Rules(margin=0.2)
    >>> by_interval(0.1, 2.0, rules), by_interval(-0.1, 0.1, rules), by_interval(-1, 1, rules)
    ('helps', 'negligible', 'undecided')
    """
    if low is None or high is None:
        return "undecided"
    p = 1.0 if low <= 0 <= high else 0.0
    return verdict(Estimate((low + high) / 2), p, (low, high), rules)

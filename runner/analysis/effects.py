"""Effects and interactions: estimates with intervals, tests and verdicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from runner.analysis.comparisons.worst_rank import WorstRank
from runner.analysis.cost import TimeRatio
from runner.analysis.data.estimates import Estimate, benjamini_hochberg, finite
from runner.analysis.data.experiment import LEVEL
from runner.analysis.data.labels import level_label
from runner.analysis.power import MoreRuns

GRID, BASELINE = "averaged over the grid", "at the baseline"  # estimands
Interval = tuple[float, float]


class Estimated:
    """Something with an estimate; its numbers as tables show them, None if unknown."""

    estimate: Estimate
    level_of_tests: float

    @property
    def ci_alone(self) -> Interval | None:
        """The interval of this estimate alone, of confidence 1 - `level_of_tests`."""
        return self.estimate.interval(1 - self.level_of_tests)

    @property
    def interval(self) -> Interval | None:
        """The printed interval."""
        return self.ci_alone

    @property
    def effect(self) -> float | None:
        """The estimate's value."""
        return finite(self.estimate.value)

    @property
    def ci_low(self) -> float | None:
        """The lower end of the printed interval."""
        shown = self.interval or self.ci_alone
        return finite(shown[0]) if shown else None

    @property
    def ci_high(self) -> float | None:
        """The upper end of the printed interval."""
        shown = self.interval or self.ci_alone
        return finite(shown[1]) if shown else None

    @property
    def se(self) -> float | None:
        """The standard error."""
        return finite(self.estimate.se)

    @property
    def df(self) -> float | None:
        """The degrees of freedom of the standard error."""
        return finite(self.estimate.df)

    @property
    def p(self) -> float | None:
        """Two-sided p of no effect, unadjusted."""
        return finite(self.estimate.p())

    @property
    def reason(self) -> str | None:
        """Why there is no effect, or no interval."""
        return self.estimate.reason


@dataclass(frozen=True)
class Population:
    """An effect in general: over the population of the test images."""

    ci_low: float | None = None
    ci_high: float | None = None
    se: float | None = None
    df: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class SimpleEffect(Estimated):
    """An effect with other factors held at a level."""

    estimate: Estimate
    level_of_tests: float = LEVEL


@dataclass(frozen=True)
class BaselineEffect(SimpleEffect):
    """An effect with all other factors at their reference."""

    population: Population | None = None


@dataclass(frozen=True)
class Dependence:
    """Another factor's level on which an effect depends.

    interaction: of the two factors; off, on: the effect at the other factor's `reference` and at
    its `level`.
    """

    factor: str
    level: str
    reference: str
    label: str
    interaction: float
    off: SimpleEffect
    on: SimpleEffect


@dataclass(frozen=True)
class OddsRatio:
    """exp of an effect in logits, and of the ends of its printed interval."""

    ratio: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Effect(Estimated):
    """The change of the metric from `reference` to `level` of one factor.

    interval: of confidence 1 - level, None without error degrees of freedom; simultaneous: the
    number of effects for which it holds at once (1: for this effect alone). ci_together: the
    interval that holds for all effects of the table at once. at_baseline: the same effect with all
    other factors at their reference, if the table's estimand is the average over the grid;
    at_baseline_from: `AtBaseline.way`.
    may_depend_on: alias strings of real interactions, one of which may be this factor's; they
    alone also give the verdict "depends".
    time: of the level against the reference. mean: of the metric in the runs at this level.
    arms: level indices of the two arms compared, if the effect compares two arms.
    worst_rank: None if no run diverged. to_decide: runs still needed, None for a decided effect.
    logit: whether the effect is in logits. levels: number of the factor's levels.
    population: the same effect in general, verdict_population: its verdict. All other fields are
    about these test images.
    """

    factor: str
    level: str
    reference: str
    estimate: Estimate
    p_adjusted: float | None
    verdict: str
    runs: int
    simultaneous: int = 1
    at_baseline: BaselineEffect | None = None
    at_baseline_from: str | None = None
    depends_on: tuple[Dependence, ...] = ()
    may_depend_on: tuple[str, ...] = ()
    time: TimeRatio | None = None
    mean: float | None = None
    level_of_tests: float = LEVEL
    ci_together: Interval | None = None
    population: Population | None = None
    verdict_population: str | None = None
    arms: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    worst_rank: WorstRank | None = None
    to_decide: MoreRuns | None = None
    logit: bool = False
    levels: int = 2

    @property
    def interval(self) -> Interval | None:
        """The printed interval: for this effect alone, or for all at once (`simultaneous`)."""
        return self.ci_together if self.simultaneous > 1 else self.ci_alone

    @property
    def label(self) -> str:
        """`mixup`, or `optimizer=adamw` where the levels are not just off and on."""
        return level_label(self.factor, self.level, self.reference, self.levels)

    @property
    def odds_ratio(self) -> OddsRatio | None:
        """exp of an effect in logits, and of its printed interval; None for other effects."""
        value = self.estimate.value
        if not self.logit or value is None:
            return None
        low, high = self.interval or (math.nan, math.nan)
        return OddsRatio(*(finite(float(np.exp(x))) for x in (value, low, high)))


@dataclass(frozen=True)
class Interaction(Estimated):
    """The effect of one factor with the other at its level, minus with the other at its reference.

    terms: ((factor label, factor label), ...) all pairs that the runs cannot tell apart; label:
    their alias string. p_adjusted: Benjamini-Hochberg's, for screening.
    """

    label: str
    terms: tuple[tuple[str, str], ...]
    estimate: Estimate
    p_adjusted: float | None = None
    level_of_tests: float = LEVEL

    @property
    def aliased(self) -> bool:
        """Whether the interaction is an alias set of several pairs."""
        return len(self.terms) > 1


def with_p_adjusted(found: Sequence[Interaction]) -> tuple[Interaction, ...]:
    """The interactions with Benjamini-Hochberg's p over all of them, largest first."""
    adjusted = benjamini_hochberg([item.estimate.p() for item in found])
    listed = [replace(item, p_adjusted=p) for item, p in zip(found, adjusted, strict=True)]
    return tuple(sorted(listed, key=lambda item: -abs(item.estimate.value or 0.0)))

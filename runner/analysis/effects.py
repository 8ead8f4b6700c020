"""What an analysis says: effects, interactions and the whole, as dataclasses and as JSON values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runner.analysis.data.estimates import Estimate
from runner.analysis.data.experiment import LEVEL
from runner.analysis.model.lack_of_fit import LackOfFit

GRID, BASELINE = "averaged over the grid", "at the baseline"  # estimands


@dataclass(frozen=True)
class Effect:
    """The change of the metric from `reference` to `level` of one factor.

    interval: of confidence 1 - level, None without error degrees of freedom; simultaneous: over how
    many effects it holds at once (1: for this one alone). together: the interval that holds for
    all effects of the table at once. at_baseline: the same effect with all other
    factors at their reference, where the table's own estimand is the average over the grid;
    at_baseline_from: `AtBaseline.way`.
    depends_on: [{"factor", "level", "interaction", "off": {...}, "on": {...}}], simple effects.
    may_depend_on: alias strings of real interactions of which this factor's may be one; with
    these alone the verdict is "depends" too.
    time: {"column", "ratio", "low", "high", "what"} of the level against the reference.
    arms: level indices of the two arms compared, where the effect is of two arms.
    worst_rank: see `worst_rank`; None where no run diverged. to_decide: {"runs", "to", "reason"},
    None for a decided effect. odds_ratio: whether the effect is in logits. levels: of the factor.
    population: {"ci_low", "ci_high", "se", "df", "p", "p_adjusted", "reason"} of the same effect in
    general, over the population that the test images come from; verdict_population: its verdict.
    The others are of these test images.
    """

    factor: str
    level: str
    reference: str
    estimate: Estimate
    p_adjusted: float | None
    verdict: str
    runs: int
    simultaneous: int = 1
    at_baseline: Estimate | None = None
    at_baseline_from: str | None = None
    depends_on: list[dict[str, Any]] = field(default_factory=list)
    may_depend_on: list[str] = field(default_factory=list)
    time: dict[str, Any] | None = None
    mean: float | None = None
    level_of_tests: float = LEVEL
    together: tuple[float, float] | None = None
    population: dict[str, Any] | None = None
    population_at_baseline: dict[str, Any] | None = None
    verdict_population: str | None = None
    arms: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    worst_rank: dict[str, Any] | None = None
    to_decide: dict[str, Any] | None = None
    odds_ratio: bool = False
    levels: int = 2

    @property
    def alone(self) -> tuple[float, float] | None:
        """The interval of this effect alone."""
        return self.estimate.interval(1 - self.level_of_tests)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The printed interval: of this effect alone, or of all at once (`simultaneous`)."""
        return self.together if self.simultaneous > 1 else self.alone

    @property
    def label(self) -> str:
        """`mixup`, or `optimizer=adamw` where the levels are not just off and on."""
        return level_label(self.factor, self.level, self.reference, self.levels)

    def to_json(self) -> dict[str, Any]:
        """The effect by the JSON contract."""
        return {
            "factor": self.factor,
            "level": self.level,
            "reference": self.reference,
            "label": self.label,
            **estimate_json(self.estimate, self.level_of_tests, self.interval),
            "ci_alone": ends(self.alone),
            "ci_together": ends(self.together),
            "p_adjusted": finite(self.p_adjusted),
            "verdict": self.verdict,
            "runs": self.runs,
            "simultaneous": self.simultaneous,
            "mean": finite(self.mean),
            "population": self.population,
            "verdict_population": self.verdict_population,
            "at_baseline": {
                **estimate_json(self.at_baseline, self.level_of_tests),
                "population": self.population_at_baseline,
            }
            if self.at_baseline
            else None,
            "at_baseline_from": self.at_baseline_from,
            "depends_on": self.depends_on,
            "may_depend_on": self.may_depend_on,
            "time": self.time,
            "worst_rank": self.worst_rank,
            "to_decide": self.to_decide,
            "odds_ratio": self._odds() if self.odds_ratio else None,
        }

    def _odds(self) -> dict[str, float | None] | None:
        """exp of an effect in logits, and of its printed interval."""
        if self.estimate.value is None:
            return None
        low, high = self.interval or (math.nan, math.nan)
        ratio = [finite(float(np.exp(x))) for x in (self.estimate.value, low, high)]
        return dict(zip(("ratio", "low", "high"), ratio, strict=True))


@dataclass(frozen=True)
class Interaction:
    """The effect of one factor where the other is at its level, less where it is at its reference.

    terms: ((factor label, factor label), ...) all pairs that the runs cannot tell apart; label:
    their alias string. p_adjusted: Benjamini-Hochberg's, for screening.
    """

    label: str
    terms: list[tuple[str, str]]
    estimate: Estimate
    p_adjusted: float | None = None
    level_of_tests: float = LEVEL

    def to_json(self) -> dict[str, Any]:
        """The interaction as JSON values."""
        return {
            "label": self.label,
            "terms": [list(term) for term in self.terms],
            "aliased": len(self.terms) > 1,
            **estimate_json(self.estimate, self.level_of_tests),
            "p_adjusted": finite(self.p_adjusted),
        }


@dataclass(frozen=True)
class Analysis:
    """All that the runs say about one metric. Values in `unit`; see DESIGN.md's JSON contract.

    df: degrees of freedom of sigma; the intervals have their own, in each effect's estimate.
    beside: what else the runs say, by its JSON key: `noise`, `pairing`, `pareto`.
    """

    metric: str
    unit: str
    larger_is_better: bool
    layout: str  # factorial, one-at-a-time, cumulative, pairs
    estimand: str
    sigma: float | None
    sigma_source: str
    error_term: str
    df: float | None
    margin: float | None
    adjustment: str
    effects: list[Effect]
    interactions: list[Interaction]
    arms: list[dict[str, Any]]
    divergence: list[dict[str, Any]]
    collapsed: dict[str, Any]
    runs: dict[str, int]
    notes: list[str]
    lack_of_fit: LackOfFit | None = None
    level: float = LEVEL
    beside: dict[str, Any] = field(default_factory=dict)

    def interval_df(self) -> list[float] | None:
        """The smallest and the largest df of the effects' intervals; None without intervals."""
        known = [e.estimate.df for e in self.effects if e.estimate.se is not None]
        df = [x for x in known if x is not None and math.isfinite(x)]
        return [min(df), max(df)] if df else None

    def to_json(self) -> dict[str, Any]:
        """The contract of `analyze --json`: no NaN; what cannot be estimated is null."""
        return {
            "metric": self.metric,
            "unit": self.unit,
            "larger_is_better": self.larger_is_better,
            "layout": self.layout,
            "estimand": self.estimand,
            "sigma": finite(self.sigma),
            "sigma_source": self.sigma_source,
            "error_term": self.error_term,
            "df": finite(self.df),
            "df_of_intervals": self.interval_df(),
            "lack_of_fit": self.lack_of_fit.to_json() if self.lack_of_fit else None,
            "level": self.level,
            "confidence": 1 - self.level,
            "negligible": self.margin,
            "adjustment": self.adjustment,
            "effects": [effect.to_json() for effect in self.effects],
            "interactions": [interaction.to_json() for interaction in self.interactions],
            "arms": self.arms,
            "divergence": self.divergence,
            "collapsed": self.collapsed,
            "runs": self.runs,
            "notes": self.notes,
            **self.beside,
        }


def level_label(factor: str, level: str, reference: str, levels: int = 2) -> str:
    """How a level is called in tables. levels: how many the factor has.

    >>> level_label("mixup", "on", "off"), level_label("optimizer", "adamw", "sgd")
    ('mixup', 'optimizer=adamw')
    >>> level_label("crops", "1", "0"), level_label("crops", "1", "0", levels=3)
    ('crops', 'crops=1')
    """
    plain = levels <= 2 and (reference, level) in (("off", "on"), ("0", "1"))
    return factor if plain else f"{factor}={level}"


def finite(value: float | None) -> float | None:
    """The number, or None for NaN and infinities."""
    return float(value) if value is not None and math.isfinite(value) else None


def ends(interval: tuple[float, float] | None) -> list[float | None] | None:
    """An interval as JSON values."""
    return None if interval is None else [finite(interval[0]), finite(interval[1])]


def estimate_json(
    estimate: Estimate, level: float = LEVEL, shown: tuple[float, float] | None = None
) -> dict[str, Any]:
    """effect, ci_low, ci_high, se, df, p and the reason of what is null.

    shown: the interval; by default that of this estimate alone.
    """
    interval = shown or estimate.interval(1 - level) or (None, None)
    return {
        "effect": finite(estimate.value),
        "ci_low": finite(interval[0]),
        "ci_high": finite(interval[1]),
        "se": finite(estimate.se),
        "df": finite(estimate.df),
        "p": finite(estimate.p()),
        "reason": estimate.reason,
    }

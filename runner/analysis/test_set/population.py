"""In general: interval and verdict of every effect over the population of test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from runner.analysis.data.estimates import Estimate, finite, holm, sidak
from runner.analysis.data.experiment import Experiment
from runner.analysis.effects import BaselineEffect, Effect, Interval, Population
from runner.analysis.result import Analysis
from runner.analysis.test_set.image_noise import Parts, Residual, parts, residual
from runner.analysis.test_set.noise_budget import NoiseBudget, noise_budget
from runner.analysis.test_set.per_image_correctness import Bits, read_bits
from runner.analysis.verdicts import Rules, verdict
from runner.designs.layout import CUMULATIVE, FACTORIAL

NO_COMBINATION = "no combination of arms' means"
NO_RESIDUAL = "no replicates and no residual df: the runs' disagreement on single images is unknown"


def with_population(experiment: Experiment, analysis: Analysis) -> Analysis:
    """The analysis with `population` and `verdict_population` of each effect, and its `noise`."""
    found, scatter = _evidence(experiment, analysis.metric)
    if found is None or isinstance(scatter, str):
        unknown = Population(reason=str(scatter))
        effects = tuple(replace(e, population=unknown) for e in analysis.effects)
        return replace(analysis, effects=effects, noise=NoiseBudget(reason=str(scatter)))
    split = [parts(e.estimate, found, scatter) for e in analysis.effects]
    return replace(
        analysis,
        effects=judged(analysis, split, found, scatter),
        noise=noise_budget(analysis.effects, analysis.sigma, analysis.level, split, found, scatter),
    )


def _evidence(experiment: Experiment, metric: str) -> tuple[Bits | None, Residual | str]:
    """The bits and their residual, or None and a reason."""
    if experiment.scale != "raw":
        return None, "effects on the logit scale are no averages over test images"
    found = read_bits(experiment, metric)
    if isinstance(found, str):
        return None, found
    left = residual(found, experiment.sizes)
    return (None, NO_RESIDUAL) if left is None else (found, left)


def judged(
    analysis: Analysis, split: Sequence[Parts | None], found: Bits, scatter: Residual
) -> tuple[Effect, ...]:
    """The effects with their intervals and verdicts in general.

    They are adjusted over all effects, like the intervals on these test images. They are never more
    certain: an interval contains both intervals, and p is the larger of the two.
    """
    estimates = []
    for effect, known in zip(analysis.effects, split, strict=True):
        value = effect.estimate.value
        general = known.estimate(value) if known is not None and value is not None else None
        estimates.append(general)
    both = zip(estimates, analysis.effects, strict=True)
    p = [_larger(general.p() if general else None, e.estimate.p()) for general, e in both]
    stepwise = analysis.layout in (FACTORIAL, CUMULATIVE)
    adjusted = holm(p) if stepwise else sidak(p)
    rules = Rules(analysis.negligible, analysis.larger_is_better, analysis.level)
    effects = []
    for effect, general, one, all_ in zip(analysis.effects, estimates, p, adjusted, strict=True):
        local = effect.at_baseline and _alone(effect.at_baseline, analysis, found, scatter)
        if general is None:
            unknown = Population(reason=effect.estimate.reason or NO_COMBINATION)
            effects.append(replace(effect, population=unknown, at_baseline=local))
            continue
        tests = effect.simultaneous
        shown = hull(general.interval(1 - effect.level_of_tests, tests), effect.interval)
        inner = hull(
            general.interval(1 - 2 * rules.level, tests),
            effect.estimate.interval(1 - 2 * rules.level, tests),
        )
        says = verdict(general, all_, inner, rules)
        if effect.verdict in ("depends", "undecided"):
            says = effect.verdict
        effects.append(
            replace(
                effect,
                population=_population(general, shown, one, all_),
                at_baseline=local,
                verdict_population=says,
            )
        )
    return tuple(effects)


def _alone(
    effect: BaselineEffect, analysis: Analysis, found: Bits, scatter: Residual
) -> BaselineEffect:
    """An effect with its `population`, not adjusted for other effects."""
    estimate = effect.estimate
    known = parts(estimate, found, scatter)
    if known is None or estimate.value is None:
        return replace(effect, population=Population(reason=estimate.reason or NO_COMBINATION))
    general = known.estimate(estimate.value)
    confidence = 1 - analysis.level
    shown = hull(general.interval(confidence), estimate.interval(confidence))
    p = _larger(general.p(), estimate.p())
    return replace(effect, population=_population(general, shown, p, None))


def _population(
    estimate: Estimate, shown: Interval | None, p: float | None, adjusted: float | None
) -> Population:
    low, high = shown or (None, None)
    return Population(
        finite(low), finite(high), finite(estimate.se), finite(estimate.df), finite(p),
        finite(adjusted), estimate.reason,
    )  # fmt: skip


def hull(one: Interval | None, other: Interval | None) -> Interval | None:
    """The smallest interval that contains both.

    >>> hull((-1.0, 2.0), (0.0, 3.0))
    (-1.0, 3.0)
    """
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


def _larger(general: float | None, here: float | None) -> float | None:
    return None if general is None else float(np.nanmax([general, here or 0.0]))

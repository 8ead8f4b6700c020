"""In general: every effect's interval and verdict over the population of test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from runner.analysis.data.estimates import Estimate, holm, sidak
from runner.analysis.data.experiment import Experiment
from runner.analysis.effects import Analysis, Effect, finite
from runner.analysis.test_set.bits import Bits, read_bits
from runner.analysis.test_set.image_noise import Parts, Residual, parts, residual
from runner.analysis.test_set.noise_budget import noise_budget
from runner.analysis.verdicts import Rules, verdict
from runner.designs.layout import CUMULATIVE, FACTORIAL

NO_RESIDUAL = "no replicates and no residual df: the runs' disagreement on single images is unknown"
Interval = tuple[float, float]


def with_population(experiment: Experiment, analysis: Analysis) -> Analysis:
    """The analysis with `population` and `verdict_population` of each effect, and its `noise`."""
    found, scatter = _evidence(experiment, analysis.metric)
    if found is None or isinstance(scatter, str):
        effects = [
            replace(e, population=nothing(str(scatter)), verdict_population=None)
            for e in analysis.effects
        ]
        beside = {**analysis.beside, "noise": {"reason": str(scatter)}}
        return replace(analysis, effects=effects, beside=beside)
    split = [parts(e.estimate, found, scatter) for e in analysis.effects]
    return replace(
        analysis,
        effects=judged(analysis, split, found, scatter),
        beside={**analysis.beside, "noise": noise_budget(analysis, split, found, scatter)},
    )


def _evidence(experiment: Experiment, metric: str) -> tuple[Bits | None, Residual | str]:
    """The bits and their residual, or None and the reason."""
    if experiment.scale != "raw":
        return None, "effects on the logit scale are no averages over test images"
    found = read_bits(experiment, metric)
    if isinstance(found, str):
        return None, found
    left = residual(found, experiment.sizes)
    return (None, NO_RESIDUAL) if left is None else (found, left)


def nothing(reason: str | None) -> dict[str, Any]:
    """What cannot be estimated, with the reason."""
    keys = ("ci_low", "ci_high", "se", "df", "p", "p_adjusted")
    return {**dict.fromkeys(keys), "reason": reason}


def judged(
    analysis: Analysis, split: Sequence[Parts | None], found: Bits, scatter: Residual
) -> list[Effect]:
    """The effects with their intervals and verdicts in general.

    Adjusted over all effects as the ones on these test images are. Never surer than those: an
    interval holds both, and p is the larger.
    """
    estimates = []
    for effect, known in zip(analysis.effects, split, strict=True):
        value = effect.estimate.value
        general = known.estimate(value) if known is not None and value is not None else None
        estimates.append(general)
    p = [_larger(g.p() if g else None, e.estimate.p()) for g, e in _both(estimates, analysis)]
    stepwise = analysis.layout in (FACTORIAL, CUMULATIVE)
    adjusted = holm(p) if stepwise else sidak(p)
    rules = Rules(analysis.margin, analysis.larger_is_better, analysis.level)
    effects = []
    for effect, general, one, all_ in zip(analysis.effects, estimates, p, adjusted, strict=True):
        at_baseline = effect.at_baseline and _alone(effect.at_baseline, analysis, found, scatter)
        if general is None:
            reason = effect.estimate.reason or "no combination of arms' means"
            effects.append(
                replace(
                    effect, population=nothing(reason), population_at_baseline=at_baseline or None
                )
            )
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
                population=_json(general, shown, one, all_),
                population_at_baseline=at_baseline or None,
                verdict_population=says,
            )
        )
    return effects


def _both(
    estimates: Sequence[Estimate | None], analysis: Analysis
) -> list[tuple[Estimate | None, Effect]]:
    return list(zip(estimates, analysis.effects, strict=True))


def _alone(
    estimate: Estimate, analysis: Analysis, found: Bits, scatter: Residual
) -> dict[str, Any]:
    """One estimate in general, not adjusted for others."""
    known = parts(estimate, found, scatter)
    if known is None or estimate.value is None:
        return nothing(estimate.reason or "no combination of arms' means")
    general = known.estimate(estimate.value)
    confidence = 1 - analysis.level
    shown = hull(general.interval(confidence), estimate.interval(confidence))
    return _json(general, shown, _larger(general.p(), estimate.p()), None)


def _json(
    estimate: Estimate, shown: Interval | None, p: float | None, adjusted: float | None
) -> dict[str, Any]:
    low, high = shown or (None, None)
    return {
        "ci_low": finite(low), "ci_high": finite(high), "se": finite(estimate.se),
        "df": finite(estimate.df), "p": finite(p), "p_adjusted": finite(adjusted),
        "reason": estimate.reason,
    }  # fmt: skip


def hull(one: Interval | None, other: Interval | None) -> Interval | None:
    """The smallest interval that holds both.

    >>> hull((-1.0, 2.0), (0.0, 3.0))
    (-1.0, 3.0)
    """
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


def _larger(general: float | None, here: float | None) -> float | None:
    return None if general is None else float(np.nanmax([general, here or 0.0]))

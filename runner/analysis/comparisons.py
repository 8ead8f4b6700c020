"""Effects from comparisons of arms: add-one, leave-one-out, cumulative, pairs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from runner.analysis import cost
from runner.analysis.cells import Cells
from runner.analysis.effects import Effect, Interaction, level_label
from runner.analysis.estimates import Estimate, benjamini_hochberg, holm, sidak
from runner.analysis.experiment import Experiment
from runner.analysis.one_at_a_time import chain, combination, welch
from runner.analysis.verdicts import verdict


def _effect(
    experiment: Experiment, cells: Cells, j: int, high: np.ndarray, low: np.ndarray
) -> Effect:
    """The effect of factor `j` from arm `low` to arm `high`, as yet without p and verdict."""
    factor = list(experiment.factors)[j]
    levels = experiment.factors[factor]
    a, b = cells.find(high), cells.find(low)
    counted = [int(cells.count[x]) for x in (a, b) if x is not None]
    return Effect(
        factor,
        levels[high[j]],
        levels[low[j]],
        welch(cells, a, b),
        None,
        "undecided",
        sum(counted),
        time=cost.arm_ratio(experiment, high, low),
        mean=float(cells.mean[a]) if a is not None else None,
    )


def _judge(
    effects: Sequence[Effect],
    adjusted: Sequence[float | None],
    margin: float | None,
    larger_is_better: bool,
) -> list[Effect]:
    """The effects with adjusted p, simultaneous intervals and verdicts."""
    tests = max(1, sum(effect.estimate.p() is not None for effect in effects))
    return [
        replace(
            effect,
            p_adjusted=p,
            verdict=verdict(effect.estimate, p, margin, larger_is_better),
            simultaneous=tests,
        )
        for effect, p in zip(effects, adjusted, strict=True)
    ]


def against_reference(
    experiment: Experiment,
    cells: Cells,
    reference: np.ndarray,
    margin: float | None,
    larger_is_better: bool,
) -> list[Effect]:
    """Each arm that differs from `reference` in one factor, compared with it.

    Where the reference has a factor on and the arm has it off, the effect is still that of
    having it on: reference minus arm. reference: (factors,) level indices.
    """
    effects = []
    for j, levels in enumerate(experiment.factors.values()):
        for level in range(len(levels)):
            if level == reference[j]:
                continue
            arm = reference.copy()
            arm[j] = level
            planned = experiment.grid in ("add-one", "pairs") or cells.find(arm) is not None
            if planned:
                high, low = (reference, arm) if level == 0 else (arm, reference)
                effects.append(_effect(experiment, cells, j, high, low))
    p = sidak([effect.estimate.p() for effect in effects])
    return _judge(effects, p, margin, larger_is_better)


def cumulative(
    experiment: Experiment, cells: Cells, margin: float | None, larger_is_better: bool
) -> list[Effect]:
    """Each step of a chain against the step before it, Holm over the steps.

    A step that is missing leaves a gap: the effect then has no estimate.
    """
    start = np.zeros(len(experiment.factors), dtype=np.int64)
    stages = cells.levels[chain(cells, start)]
    effects = []
    for low, high in itertools.pairwise(stages):
        changed = np.flatnonzero(low != high)
        effect = _effect(experiment, cells, int(changed[0]), high, low)
        if len(changed) > 1:
            names = " and ".join(list(experiment.factors)[j] for j in changed)
            reason = f"the step between is missing: {names} change together"
            effect = replace(effect, estimate=Estimate(None, reason=reason))
        effects.append(effect)
    p = holm([effect.estimate.p() for effect in effects])
    return _judge(effects, p, margin, larger_is_better)


def pair_interactions(experiment: Experiment, cells: Cells) -> list[Interaction]:
    """y_ab - y_a - y_b + y_0 of every pair of levels run together, largest first.

    Intervals are of each alone; p by Benjamini-Hochberg, for screening.
    """
    names = list(experiment.factors)
    zero = np.zeros(len(names), dtype=np.int64)
    found: list[tuple[str, tuple[str, str], Estimate]] = []
    for both in cells.levels[(cells.levels != 0).sum(axis=1) == 2]:
        i, j = (int(x) for x in np.flatnonzero(both))
        one, two = zero.copy(), zero.copy()
        one[i], two[j] = both[i], both[j]
        arms = [cells.find(arm) for arm in (both, one, two, zero)]
        labels = [
            level_label(
                names[x], experiment.factors[names[x]][both[x]], experiment.factors[names[x]][0]
            )
            for x in (i, j)
        ]
        there = [arm for arm in arms if arm is not None]
        estimate = Estimate(None, reason="one of its four arms has no usable run")
        if len(there) == 4:
            estimate = combination(cells, there, [1, -1, -1, 1])
        found.append((f"{labels[0]} × {labels[1]}", (labels[0], labels[1]), estimate))
    adjusted = benjamini_hochberg([estimate.p() for _, _, estimate in found])
    listed = [
        Interaction(label, [terms], estimate, p)
        for (label, terms, estimate), p in zip(found, adjusted, strict=True)
    ]
    return sorted(listed, key=lambda item: -abs(item.estimate.value or 0.0))

"""Effects from comparisons of arms: add-one, leave-one-out, cumulative, pairs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from runner.analysis import cost
from runner.analysis.comparisons.simultaneous import Simultaneous, by_dunnett, by_sidak
from runner.analysis.comparisons.welch import combination, welch
from runner.analysis.data.arm_statistics import Cells, distinct
from runner.analysis.data.estimates import Estimate, holm
from runner.analysis.data.experiment import Experiment, states
from runner.analysis.data.labels import arm_label, level_label, level_names
from runner.analysis.effects import Effect, Interaction, with_p_adjusted
from runner.analysis.verdicts import Rules, verdict


def _effect(
    experiment: Experiment,
    cells: Cells,
    j: int,
    high: np.ndarray,
    low: np.ndarray,
    noise: str,
) -> Effect:
    """The effect of factor `j` from arm `low` to arm `high`, without p and verdict."""
    factor = list(experiment.factors)[j]
    levels = experiment.factors[factor]
    a, b = cells.find(high), cells.find(low)
    if a is None or b is None:
        missing = [arm for arm, place in ((high, a), (low, b)) if place is None]
        reason = "; ".join(dict.fromkeys(_no_result(experiment, arm) for arm in missing))
        estimate = Estimate(None, reason=reason)
    else:
        estimate = welch(cells, a, b, noise)
    counted = [int(cells.count[x]) for x in (a, b) if x is not None]
    return Effect(
        factor,
        levels[high[j]],
        levels[low[j]],
        estimate,
        None,
        "undecided",
        sum(counted),
        time=cost.arm_ratio(experiment, high, low),
        mean=float(cells.mean[a]) if a is not None else None,
        arms=(tuple(int(x) for x in high), tuple(int(x) for x in low)),
        levels=len(levels),
    )


def _no_result(experiment: Experiment, arm: np.ndarray) -> str:
    """Why an arm has no usable run. arm: (factors,) level indices."""
    mine = experiment.runs[(experiment.codes == arm).all(axis=1)]
    label = arm_label(level_names(experiment.factors, arm), experiment.factors)
    if not len(mine):
        return f"no usable run: the arm {label} has none"
    bad = {state: n for state, n in states(mine).items() if state != "ok"}
    if list(bad.values()) == [len(mine)]:
        all_of = f"all {len(mine)} runs" if len(mine) > 1 else "the only run"
        return f"no usable run: {all_of} of the arm {label} {next(iter(bad))}"
    said = ", ".join(f"{n} {k}" for k, n in bad.items())
    return f"no usable run among the {len(mine)} of the arm {label}" + (
        f" ({said})" if said else ""
    )


def _judge(
    effects: Sequence[Effect],
    found: Simultaneous,
    rules: Rules,
    p: Sequence[float | None] | None = None,
) -> list[Effect]:
    """The effects with adjusted p (by default those of `found`), intervals and verdicts."""
    adjusted = found.p if p is None else p
    return [
        replace(
            effect,
            p_adjusted=adjusted[i],
            verdict=verdict(effect.estimate, adjusted[i], found.inner[i], rules),
            simultaneous=found.tests,
            level_of_tests=rules.level,
            ci_together=found.outer[i],
        )
        for i, effect in enumerate(effects)
    ]


def against_reference(
    experiment: Experiment,
    cells: Cells,
    reference: np.ndarray,
    rules: Rules,
) -> tuple[list[Effect], str]:
    """Comparisons of `reference` with each arm that differs in one factor, and their adjustment.

    If the reference has a factor on and the arm has it off, the effect is still the effect of
    having it on: reference minus arm. reference: (factors,) level indices. The text says how p and
    intervals hold for all comparisons.
    """
    effects = []
    arms: list[int | None] = []
    codes, design = experiment.codes, experiment.design
    attempted = {tuple(row) for row in distinct(codes)[0]}
    for j, levels in enumerate(experiment.factors.values()):
        for level in range(len(levels)):
            if level == reference[j]:
                continue
            arm = reference.copy()
            arm[j] = level
            if tuple(arm) in attempted or (design is not None and design.plans(level)):
                high, low = (reference, arm) if level == 0 else (arm, reference)
                effects.append(_effect(experiment, cells, j, high, low, rules.noise))
                arms.append(cells.find(arm))
    found = by_dunnett(
        [effect.estimate for effect in effects],
        cells, arms, cells.find(reference), rules.level, rules.noise,
    )  # fmt: skip
    return _judge(effects, found, rules), found.how


def cumulative(experiment: Experiment, cells: Cells, rules: Rules) -> list[Effect]:
    """Each step of a chain against the step before it, Holm over the steps.

    Neighbouring steps share an arm, so their estimates are negatively correlated. Šidák's intervals
    and Holm's p hold nevertheless.

    If a step has no usable run, its effect and the next step's effect have no estimate.
    """
    effects = []
    for low, high in itertools.pairwise(stages(experiment)):
        changed = np.flatnonzero(low != high)
        effect = _effect(experiment, cells, int(changed[0]), high, low, rules.noise)
        if len(changed) > 1:
            names = " and ".join(list(experiment.factors)[j] for j in changed)
            reason = f"the step between is missing: {names} change together"
            effect = replace(effect, estimate=Estimate(None, reason=reason))
        effects.append(effect)
    estimates = [effect.estimate for effect in effects]
    p = holm([estimate.p() for estimate in estimates])
    return _judge(effects, by_sidak(estimates, rules.level), rules, p)


def stages(experiment: Experiment) -> list[np.ndarray]:
    """The arms of a cumulative grid in order, with or without usable runs; (factors,) each.

    The study's order turns one factor after another to its "on" level. Without an order: the arms
    that were run, by the number of differences from the baseline.
    """
    arms = distinct(experiment.codes)[0]
    arm = np.zeros(len(experiment.factors), dtype=np.int64)
    by_change = [arms[i] for i in np.argsort((arms != arm).sum(axis=1), kind="stable")]
    names = list(experiment.factors)
    chained = [arm]
    for name in experiment.order:
        j, levels = names.index(name), experiment.factors[name]
        on = experiment.reference.get(name)
        arm = arm.copy()
        arm[j] = levels.index(on) if on in levels else arms[:, j].max() or len(levels) - 1
        chained.append(arm)
    whole = {tuple(row) for row in arms} <= {tuple(row) for row in chained}
    return chained if experiment.order and whole else by_change


def pair_interactions(experiment: Experiment, cells: Cells) -> tuple[Interaction, ...]:
    """y_ab - y_a - y_b + y_0 of every pair of levels run together, largest first.

    Each interval is for its interaction alone.
    """
    names = list(experiment.factors)
    zero = np.zeros(len(names), dtype=np.int64)
    found = []
    for both in cells.levels[(cells.levels != 0).sum(axis=1) == 2]:
        i, j = (int(x) for x in np.flatnonzero(both))
        one, two = zero.copy(), zero.copy()
        one[i], two[j] = both[i], both[j]
        arms = [cells.find(arm) for arm in (both, one, two, zero)]
        levels = {x: experiment.factors[names[x]] for x in (i, j)}
        labels = [
            level_label(names[x], held[both[x]], held[0], len(held)) for x, held in levels.items()
        ]
        there = [arm for arm in arms if arm is not None]
        estimate = Estimate(None, reason="one of its four arms has no usable run")
        if len(there) == 4:
            estimate = combination(cells, there, [1, -1, -1, 1], experiment.noise)
        label, terms = " × ".join(labels), ((labels[0], labels[1]),)
        found.append(Interaction(label, terms, estimate, level_of_tests=experiment.level))
    return with_p_adjusted(found)

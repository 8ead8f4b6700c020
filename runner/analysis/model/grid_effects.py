"""Effects of a factorial: averaged over the grid or at the baseline, with dependences."""

from __future__ import annotations

from collections.abc import Sequence

from runner.analysis import cost
from runner.analysis.comparisons.simultaneous import by_sidak
from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import Estimate, holm
from runner.analysis.data.experiment import Experiment
from runner.analysis.data.labels import level_label
from runner.analysis.effects import (
    BaselineEffect,
    Dependence,
    Effect,
    Interaction,
    SimpleEffect,
    with_p_adjusted,
)
from runner.analysis.model.baseline_effect import baseline_effect
from runner.analysis.model.coding import Contrast
from runner.analysis.model.factorial import Factorial, alias_sum
from runner.analysis.model.lenth import HalfNormal
from runner.analysis.verdicts import Rules, verdict
from runner.designs.factor import PLACEBO

ALIASES = 12  # most aliases of an effect that are named
NO_BASELINE = (
    "these runs do not separate the interactions that this effect needs; run --grid add-one"
)


def name(experiment: Experiment, contrast: Contrast) -> str:
    """The label of a contrast."""
    factor = list(experiment.factors)[contrast.factor]
    levels = experiment.factors[factor]
    return level_label(factor, levels[contrast.level], levels[0], len(levels))


def interactions(experiment: Experiment, fitted: Factorial) -> tuple[Interaction, ...]:
    """Every two-factor interaction that the runs show, largest first; an alias set is one entry.

    p is adjusted by Benjamini-Hochberg over all of them (exploratory). With replicates the test
    uses the replicates' noise: the interaction is real, but may be of a higher order.
    """
    coding = fitted.coding
    labels = [name(experiment, c) for c in coding.mains]
    found = []
    for k, members in enumerate(fitted.aliases):
        if members[0] != k:
            continue
        terms = tuple((labels[a], labels[b]) for a, b in (coding.pairs[m] for m in members))
        contrast = coding.interaction(k) if len(members) == 1 else alias_sum(fitted, members)
        text = " ~ ".join(f"{a} × {b}" for a, b in terms)
        if contrast is None:
            estimate = Estimate(None, reason="the runs estimate only mixtures of these")
        else:
            first = 1 + len(coding.mains)
            signs = ["-" if contrast[first + m] * contrast[first + k] < 0 else "+" for m in members]
            text = f"{terms[0][0]} × {terms[0][1]}" + "".join(
                f" {sign} {a} × {b}" for sign, (a, b) in zip(signs[1:], terms[1:], strict=True)
            )
            estimate = fitted.fit.estimate(contrast, noise_only=True)
        found.append(Interaction(text, terms, estimate, level_of_tests=experiment.level))
    return with_p_adjusted(found)


def grid_effects(
    experiment: Experiment,
    cells: Cells,
    fitted: Factorial,
    screened: Sequence[Interaction],
    rules: Rules,
    at_baseline: bool = False,
    lenth: HalfNormal | None = None,
) -> tuple[Effect, ...]:
    """The effect of each level of each factor; Holm over all of them.

    at_baseline: whether the table's estimand is the effect with all other factors at their
    reference instead of the average over the grid. lenth: the error term if there are no error
    df: its pseudo standard error, with the simultaneous margin for p and verdicts.
    """
    coding = fitted.coding
    there = [
        baseline_effect(fitted, cells, experiment.sizes, c.factor, c.level, rules)
        for c in coding.mains
    ]
    baseline = [x.estimate if x else Estimate(None, reason=NO_BASELINE) for x in there]
    shown = baseline if at_baseline else _averages(experiment, fitted)
    adjusted = holm([estimate.p() for estimate in shown])
    inner = [estimate.interval(1 - 2 * rules.level) for estimate in shown]
    outer = by_sidak(shown, rules.level).outer
    if lenth is not None and fitted.fit.error == "none" and not at_baseline:
        factors = [contrast.factor for contrast in coding.mains]
        shown = [lenth.main_effect(j) for j in factors]
        adjusted = [lenth.p_adjusted(e.value) for e in shown]
        inner = [lenth.together(e.value, 2 * rules.level) for e in shown]
        outer = [lenth.together(e.value, rules.level) for e in shown]
    ratios = cost.grid_ratios(experiment)
    effects = []
    for i, (contrast, local) in enumerate(zip(coding.mains, there, strict=True)):
        factor, levels = list(experiment.factors.items())[contrast.factor]
        depends, maybe = (
            ((), ()) if at_baseline else dependence(experiment, fitted, screened, i, rules)
        )
        used = local.runs if at_baseline and local else int(cells.count.sum())
        effects.append(
            Effect(
                factor,
                levels[contrast.level],
                levels[0],
                shown[i],
                adjusted[i],
                "depends" if depends or maybe else verdict(shown[i], adjusted[i], inner[i], rules),
                used,
                at_baseline=BaselineEffect(baseline[i], rules.level),
                at_baseline_from=local.way if local else None,
                depends_on=depends,
                may_depend_on=maybe,
                time=ratios.get((contrast.factor, contrast.level)),
                mean=_mean(cells, contrast),
                level_of_tests=rules.level,
                ci_together=outer[i],
                levels=len(levels),
            )
        )
    return (*effects, *missing_levels(experiment, fitted))


def _mean(cells: Cells, contrast: Contrast) -> float:
    """The mean of all runs at the level."""
    mine = cells.levels[:, contrast.factor] == contrast.level
    return float((cells.count * cells.mean)[mine].sum() / cells.count[mine].sum())


def _averages(experiment: Experiment, fitted: Factorial) -> list[Estimate]:
    """Each main effect over the grid; None, with the reason, if it is confounded with others."""
    found = []
    for i in range(len(fitted.coding.mains)):
        aliases = [name(experiment, c) for c in fitted.confounded_mains(i)]
        more = [f"and {len(aliases) - ALIASES} more"] if len(aliases) > ALIASES else []
        named = ", ".join([*aliases[:ALIASES], *more])
        reason = f"cannot be separated from {named}" if named else ""
        found.append(fitted.fit.estimate(fitted.coding.main_effect(i), reason))
    return found


def missing_levels(experiment: Experiment, fitted: Factorial) -> list[Effect]:
    """Effects of levels without usable runs, or without runs at the reference: None, a reason."""
    there = {(c.factor, c.level) for c in fitted.coding.mains}
    return [
        Effect(
            factor, level, levels[0],
            Estimate(None, reason="no usable run at this level or at the reference"),
            None, "undecided", 0, levels=len(levels),
        )
        for j, (factor, levels) in enumerate(experiment.factors.items())
        for i, level in enumerate(levels)
        if i > 0 and (j, i) not in there
    ]  # fmt: skip


def dependence(
    experiment: Experiment,
    fitted: Factorial,
    screened: Sequence[Interaction],
    i: int,
    rules: Rules,
) -> tuple[tuple[Dependence, ...], tuple[str, ...]]:
    """Factors on which effect `i` depends, largest first, and alias sets with possible ones.

    An effect depends on a factor if their interaction is at least half the main effect and
    distinguishable from zero (Benjamini-Hochberg at the level). Interactions within the negligible
    margin are ignored: in a large grid even these are distinguishable from zero.
    """
    coding = fitted.coding
    labels = [name(experiment, c) for c in coding.mains]
    if list(experiment.factors)[coding.mains[i].factor] == PLACEBO:
        return (), ()  # a placebo interacts with nothing
    main = fitted.fit.estimate(coding.main_effect(i)).value
    sure, maybe = [], []
    for item in screened:
        value = item.estimate.value
        real = item.p_adjusted is not None and item.p_adjusted < rules.level
        mine = [term for term in item.terms if labels[i] in term]
        if not real or not mine or main is None or value is None:
            continue
        if abs(value) < max(abs(main) / 2, rules.margin or 0.0):
            continue
        if len(item.terms) > 1:
            maybe.append(item.label)
            continue
        other = labels.index(mine[0][0] if mine[0][1] == labels[i] else mine[0][1])
        contrast = coding.mains[other]
        factor = list(experiment.factors)[contrast.factor]
        levels = experiment.factors[factor]
        sides = {
            side: SimpleEffect(
                fitted.fit.estimate(coding.simple_effect(i, {contrast.factor: level})),
                rules.level,
            )
            for side, level in (("off", 0), ("on", contrast.level))
        }
        sure.append(
            Dependence(factor, levels[contrast.level], levels[0], labels[other], value, **sides)
        )
    return tuple(sure), tuple(maybe)

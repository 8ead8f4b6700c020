"""Effects of a factorial: averaged over the grid or at the baseline, with what they depend on."""

from __future__ import annotations

from typing import Any

from runner.analysis import cost
from runner.analysis.baseline_effect import AtBaseline, baseline_effect
from runner.analysis.cells import PLACEBO, Cells
from runner.analysis.coding import Contrast
from runner.analysis.effects import Effect, Interaction, estimate_json, level_label
from runner.analysis.estimates import Estimate, benjamini_hochberg, holm
from runner.analysis.experiment import Experiment
from runner.analysis.factorial import Factorial, alias_sum, clear_mains
from runner.analysis.lenth import HalfNormal
from runner.analysis.regression import FEWEST_DF
from runner.analysis.simultaneous import by_sidak
from runner.analysis.verdicts import Rules, verdict

SOURCES = {
    "replicates": "replicates: each arm's own sd, Satterthwaite's df",
    "pooled": "replicates: one sd, pooled over all arms",
    "hc2": "residual after {terms}, HC2 (robust to unequal noise)",
    "classical": "residual after {terms}, constant sd assumed{why}",
    "none": "none: no replicates and no residual degrees of freedom",
}
# With 2 df (48 runs twice) the test finds the interactions of three factors of a recorded grid in
# 2 of 3 studies; where those of two are not seen either, nothing else would tell.
FEW_LACK_DF = 5
ALIASES = 12  # of an effect, to name
NO_BASELINE = (
    "these runs cannot tell it, since they do not separate the interactions that it needs; "
    "run --grid add-one"
)


def error_text(fitted: Factorial) -> str:
    """The error term in words, with a flag where interactions are in the residual."""
    terms = "all estimable two-factor interactions" if fitted.interactions else "main effects only"
    few = fitted.fit.df < FEWEST_DF
    why = " (too few residual df for HC2)" if few else ""
    text = SOURCES[fitted.fit.error].format(terms=terms, why=why)
    if not fitted.interactions and fitted.fit.error in ("hc2", "classical"):
        text += "; interactions, if any, are in it"
        text += ", not in the effects" if clear_mains(fitted) else " and may bias the effects"
    lack = fitted.fit.lack
    if lack is None:
        return text
    test = f"F({lack.df}, {lack.pure_df}) = {lack.mean_square / lack.pure:.3g}, p = {lack.p:.2g}"
    if lack.used:
        why = "larger than the replicates' noise"
        if not lack.significant:
            why = f"as interactions are real (p = {lack.interactions:.2g})"
        return f"lack of fit of the arms' means to {terms}, {why}: {test}"
    return f"{text}; lack of fit {'significant' if lack.significant else 'not significant'}: {test}"


def fit_note(fitted: Factorial) -> str | None:
    """What a model that does not fit its arms means for the effects; None if it fits."""
    lack = fitted.fit.lack
    if lack is None:
        return None
    if not lack.significant and lack.used:
        return (
            "Interactions of two factors are real, so those of three, with which averages over a "
            "fraction are mixed, may be so too: their intervals take the deviation of the arms' "
            f"means from the model, a mean square of {lack.mean_square:,.4g} on {lack.df} df, "
            f"rather than the replicates' {lack.pure:,.4g}."
        )
    if not lack.significant:
        if not (lack.missing and fitted.interactions and lack.df < FEW_LACK_DF):
            return None
        return (
            f"Lack of fit rests on {lack.df} df: it would often miss interactions of three or more "
            "factors, with which averages over a fraction are mixed. If those may be large, "
            "intervals are too narrow; a larger fraction would tell."
        )
    said = (
        "Interactions beyond those in the model are real: the arms' means deviate from it by a "
        f"mean square of {lack.mean_square:,.4g} on {lack.df} df, the replicates by "
        f"{lack.pure:,.4g}."
    )
    if not lack.used:
        return (
            f"{said} Every arm is there, with as many runs as the others, so averages over the "
            "grid are not mixed with them."
        )
    return (
        f"{said} In a fraction, or where arms have unequal numbers of runs, averages over the grid "
        "are mixed with them (at resolution IV main effects with three-factor interactions), so "
        "their intervals take the larger mean square. Interactions are tested against the "
        "replicates' noise: a real one may stand for one of higher order."
    )


def name(experiment: Experiment, contrast: Contrast) -> str:
    """The label of a contrast."""
    factor = list(experiment.factors)[contrast.factor]
    levels = experiment.factors[factor]
    return level_label(factor, levels[contrast.level], levels[0], len(levels))


def interactions(experiment: Experiment, fitted: Factorial) -> list[Interaction]:
    """Every two-factor interaction that the runs show, alias sets as one, largest first.

    p adjusted by Benjamini-Hochberg over all of them: a screening, exploratory. Against the
    replicates' noise where there are any: real, though maybe of a higher order.
    """
    coding = fitted.coding
    labels = [name(experiment, c) for c in coding.mains]
    found: list[tuple[str, list[tuple[str, str]], Estimate]] = []
    for k, members in enumerate(fitted.aliases):
        if members[0] != k:
            continue
        terms = [(labels[a], labels[b]) for a, b in (coding.pairs[m] for m in members)]
        contrast = coding.interaction(k) if len(members) == 1 else alias_sum(fitted, members)
        text = " ~ ".join(f"{a} × {b}" for a, b in terms)
        if contrast is None:
            found.append((text, terms, Estimate(None, reason="only mixtures of these are seen")))
            continue
        first = 1 + len(coding.mains)
        signs = ["-" if contrast[first + m] * contrast[first + k] < 0 else "+" for m in members]
        text = f"{terms[0][0]} × {terms[0][1]}" + "".join(
            f" {sign} {a} × {b}" for sign, (a, b) in zip(signs[1:], terms[1:], strict=True)
        )
        found.append((text, terms, fitted.fit.estimate(contrast, noise_only=True)))
    adjusted = benjamini_hochberg([estimate.p() for _, _, estimate in found])
    listed = [
        Interaction(text, terms, estimate, p, experiment.level)
        for (text, terms, estimate), p in zip(found, adjusted, strict=True)
    ]
    return sorted(listed, key=lambda i: -abs(i.estimate.value or 0.0))


def grid_effects(
    experiment: Experiment,
    cells: Cells,
    fitted: Factorial,
    screened: list[Interaction],
    rules: Rules,
    at_baseline: bool = False,
    lenth: HalfNormal | None = None,
) -> list[Effect]:
    """The effect of each level of each factor; Holm over all of them.

    at_baseline: whether the table's estimand is the effect with all other factors at their
    reference instead of the average over the grid. lenth: the error term where there are no error
    df: its pseudo standard error, with the simultaneous margin for p and verdicts.
    """
    coding = fitted.coding
    sizes = [len(levels) for levels in experiment.factors.values()]
    average: list[Estimate] = []
    there: list[AtBaseline | None] = []
    for i in range(len(coding.mains)):
        aliases = [name(experiment, c) for c in fitted.confounded_mains(i)]
        more = [f"and {len(aliases) - ALIASES} more"] if len(aliases) > ALIASES else []
        named = ", ".join([*aliases[:ALIASES], *more])
        reason = f"cannot be separated from {named}" if named else ""
        average.append(fitted.fit.estimate(coding.main_effect(i), reason))
        contrast = coding.mains[i]
        there.append(baseline_effect(fitted, cells, sizes, contrast.factor, contrast.level, rules))
    baseline = [x.estimate if x else Estimate(None, reason=NO_BASELINE) for x in there]
    shown = baseline if at_baseline else average
    found = by_sidak(shown, rules.level)
    adjusted = holm([estimate.p() for estimate in shown])
    inner = [estimate.interval(1 - 2 * rules.level) for estimate in shown]
    outer = found.outer
    if lenth is not None and fitted.fit.error == "none" and not at_baseline:
        factors = [contrast.factor for contrast in coding.mains]
        shown = [lenth.main_effect(j) for j in factors]
        adjusted = [lenth.p_adjusted(e.value) for e in shown]
        inner = [lenth.together(e.value, 2 * rules.level) for e in shown]
        outer = [lenth.together(e.value, rules.level) for e in shown]
    ratios = cost.grid_ratios(experiment)
    effects = []
    for i, contrast in enumerate(coding.mains):
        factor = list(experiment.factors)[contrast.factor]
        levels = experiment.factors[factor]
        says = verdict(shown[i], adjusted[i], inner[i], rules)
        depends, maybe = (
            ([], []) if at_baseline else dependence(experiment, fitted, screened, i, rules)
        )
        local = there[i]
        used = local.runs if at_baseline and local else int(cells.count.sum())
        mine = cells.levels[:, contrast.factor] == contrast.level
        effects.append(
            Effect(
                factor,
                levels[contrast.level],
                levels[0],
                shown[i],
                adjusted[i],
                "depends" if depends or maybe else says,
                used,
                at_baseline=baseline[i],
                at_baseline_from=local.way if local else None,
                depends_on=depends,
                may_depend_on=maybe,
                time=ratios.get((contrast.factor, contrast.level)),
                mean=float((cells.count * cells.mean)[mine].sum() / cells.count[mine].sum()),
                level_of_tests=rules.level,
                together=outer[i],
                levels=len(levels),
            )
        )
    return effects + missing_levels(experiment, fitted)


def missing_levels(experiment: Experiment, fitted: Factorial) -> list[Effect]:
    """Levels that no usable run has, or whose reference none has: null with the reason."""
    there = {(c.factor, c.level) for c in fitted.coding.mains}
    return [
        Effect(
            factor, level, levels[0],
            Estimate(None, reason="no usable run at this level, or none at the reference"),
            None, "undecided", 0, levels=len(levels),
        )
        for j, (factor, levels) in enumerate(experiment.factors.items())
        for i, level in enumerate(levels)
        if i > 0 and (j, i) not in there
    ]  # fmt: skip


def dependence(
    experiment: Experiment,
    fitted: Factorial,
    screened: list[Interaction],
    i: int,
    rules: Rules,
) -> tuple[list[dict[str, Any]], list[str]]:
    """What effect `i` depends on, largest first, and alias sets that may hold another such factor.

    An effect depends on another where their interaction is at least half the main effect and
    itself distinguishable from zero (Benjamini-Hochberg below the level). An interaction within the
    negligible margin is none: in a large grid even those are distinguishable from zero.
    """
    coding = fitted.coding
    labels = [name(experiment, c) for c in coding.mains]
    if list(experiment.factors)[coding.mains[i].factor] == PLACEBO:
        return [], []  # it changes nothing, whatever stands beside it
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
            side: estimate_json(
                fitted.fit.estimate(coding.simple_effect(i, {contrast.factor: level})),
                rules.level,
            )
            for side, level in (("off", 0), ("on", contrast.level))
        }
        sure.append(
            {
                "factor": factor, "level": levels[contrast.level], "reference": levels[0],
                "label": labels[other], "interaction": value, **sides,
            }
        )  # fmt: skip
    return sure, maybe

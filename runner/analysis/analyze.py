"""analyze: from the runs of an experiment to effects, intervals and verdicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from runner.analysis.arm_summary import design_weights, with_surroundings
from runner.analysis.best import Best, best
from runner.analysis.comparisons.between_arms import (
    against_reference,
    cumulative,
    pair_interactions,
)
from runner.analysis.comparisons.welch import centre
from runner.analysis.data.arm_statistics import Cells, cells
from runner.analysis.data.experiment import Experiment, states
from runner.analysis.data.labels import arm_label, level_names
from runner.analysis.data.log_odds import in_logits, percentage
from runner.analysis.effects import BASELINE, GRID, Interaction
from runner.analysis.extras import with_beside
from runner.analysis.metrics import registry as metrics
from runner.analysis.model.factorial import factorial
from runner.analysis.model.grid_effects import grid_effects, interactions
from runner.analysis.model.half_normal_plot import half_normal_plot
from runner.analysis.model.lenth import HalfNormal, half_normal
from runner.analysis.model.model_notes import error_text, model_notes
from runner.analysis.power_summary import with_power
from runner.analysis.result import Analysis
from runner.analysis.verdicts import NEGLIGIBLE, Rules
from runner.designs.layout import CUMULATIVE, FACTORIAL, ONE_AT_A_TIME, PAIRS
from tricks.errors import BadInput, unknown

ESTIMANDS = {GRID: GRID, BASELINE: BASELINE, "grid": GRID, "average": GRID, "baseline": BASELINE}
ERROR = {
    "own": "replicates: each arm's own sd (Welch, Satterthwaite's df)",
    "equal": "replicates: one sd, pooled over all arms",
}
AT_BASELINE = (
    "differs by effect: replicates of the two arms (Welch), or the error of the effect's model"
)


OPEN = (
    "It is not known whether more of {0} is better, so no effect helps or hurts. Say it with "
    "--larger-is-better or --smaller-is-better."
)
FEW_DF = 2  # at or below it, 95 % intervals are ± 4.3 to 12.7 standard errors; at 5 df ± 2.6


def analyze(
    experiment: Experiment,
    metric: str = "accuracy",
    estimand: str | None = None,
    negligible: float | None = None,
) -> Analysis:
    """Effects of every factor on `metric`, by the procedure that fits the design.

    estimand: "averaged over the grid" (or "grid") or "at the baseline" ("baseline"); by default
    the grid's average for factorials and the baseline for one-at-a-time data.
    negligible: m in the metric's unit; by default 0.2 pp for accuracies, otherwise none.
    Raises BadInput for an unknown metric or estimand, or if no run has the metric.
    """
    if estimand is not None and estimand not in ESTIMANDS:
        raise unknown("estimand", estimand, ESTIMANDS)
    wanted = ESTIMANDS[estimand] if estimand else None
    known = metrics.named(metric)
    if negligible is None and known.share and experiment.scale == "raw":
        negligible = NEGLIGIBLE
    better = metrics.direction(metric, experiment.larger_is_better)
    if better is None:
        experiment = replace(experiment, notes=(*experiment.notes, OPEN.format(metric)))
    rules = Rules(negligible, better, experiment.level, experiment.noise)
    scaled = in_logits(experiment, metric) if experiment.scale == "logit" else experiment
    usable = cells(scaled, metric)
    if not len(usable.count):
        raise BadInput(nothing_to_analyze(experiment, metric))
    if not experiment.factors:
        raise BadInput("the runs do not differ in any factor: there is no effect to estimate")
    layout, reference = find_layout(experiment, usable)
    if wanted == GRID or (wanted == BASELINE and layout in (CUMULATIVE, PAIRS)):
        layout = FACTORIAL
    if layout == ONE_AT_A_TIME and wanted == BASELINE and reference.any():
        raise BadInput(
            "each of these arms leaves out one trick from all tricks together, so they do not show "
            "effects at the baseline (an add-one study does)"
        )
    if layout == FACTORIAL:
        analysis = _factorial(experiment, usable, metric, wanted or GRID, rules)
    else:
        analysis = _arms(experiment, usable, metric, layout, reference, rules)
    if scaled is not experiment:
        experiment = replace(experiment, notes=scaled.notes)
        analysis = _logits(analysis)
    analysis = replace(analysis, remark=experiment.remarks.get(metric, ""))
    return with_power(with_beside(experiment, with_surroundings(experiment, analysis)))


def _logits(analysis: Analysis) -> Analysis:
    """The analysis with effects in log-odds and means in per cent."""
    effects = tuple(
        replace(e, logit=True, mean=None if e.mean is None else percentage(e.mean))
        for e in analysis.effects
    )
    return replace(analysis, unit="logit", effects=effects)


def nothing_to_analyze(experiment: Experiment, metric: str) -> str:
    """Why no run has the metric, in one line."""
    runs = experiment.runs
    if not len(runs):
        return "this study has no finished run yet: run it first, then look again"
    bad = {state: n for state, n in states(runs).items() if state != "ok"}
    said = ", ".join(f"{n} {state}" for state, n in bad.items())
    return f"none of the {len(runs)} runs has a value of {metric!r}" + (
        f" ({said})" if said else ""
    )


def find_layout(experiment: Experiment, usable: Cells) -> tuple[str, np.ndarray]:
    """The layout of the arms, and the (factors,) level indices of the reference arm."""
    reference = np.zeros(len(experiment.factors), dtype=np.int64)
    for j, (name, levels) in enumerate(experiment.factors.items()):
        if experiment.reference.get(name) in levels:
            reference[j] = levels.index(experiment.reference[name])
    baseline = np.zeros_like(reference)
    design = experiment.design
    if design is not None and design.leaves_out:
        found = centre(usable, reference if reference.any() else np.full_like(reference, -1))
        if found is None or (not found.any() and len(usable.count) <= 2):
            found = usable.levels[np.argmax((usable.levels != 0).sum(axis=1))]
        return ONE_AT_A_TIME, found
    if design is not None and design.layout != FACTORIAL:
        return design.layout, baseline
    if len(experiment.factors) == 1:
        return ONE_AT_A_TIME, baseline
    found = None if design is not None else centre(usable, baseline)
    return (FACTORIAL, baseline) if found is None else (ONE_AT_A_TIME, found)


def _factorial(
    experiment: Experiment, usable: Cells, metric: str, estimand: str, rules: Rules
) -> Analysis:
    """The analysis of data in which several factors vary together."""
    weights = design_weights(experiment)
    fitted = factorial(usable, experiment.sizes, weights, experiment.noise)
    screened = interactions(experiment, fitted)
    lenth = half_normal(usable, experiment.factors, rules.level)
    pse = lenth if isinstance(lenth, HalfNormal) and fitted.fit.error == "none" else None
    if estimand == BASELINE:
        pse = None
    effects = grid_effects(
        experiment, usable, fitted, screened, rules, at_baseline=estimand == BASELINE, lenth=pse
    )
    pooled = fitted.fit.error in ("replicates", "pooled")
    source = "pooled over replicates" if pooled else "residual: noise and terms not in the model"
    analysis = Analysis(
        metric, metrics.named(metric).unit, rules.larger_is_better, FACTORIAL, estimand,
        sigma=fitted.fit.sigma,
        sigma_source=source if fitted.fit.sigma is not None else "not estimable",
        error_term=AT_BASELINE if estimand == BASELINE else error_text(fitted),
        df=None if estimand == BASELINE or fitted.fit.error == "none" else float(fitted.fit.df),
        negligible=rules.margin,
        level=rules.level,
        adjustment="intervals for each effect alone; p by Holm over all effects; "
        "interactions screened by Benjamini-Hochberg (exploratory)",
        effects=effects,
        interactions=screened,
        notes=tuple(model_notes(experiment, fitted, pse is not None)),
        lack_of_fit=fitted.fit.lack,
    )  # fmt: skip
    if pse is not None:
        analysis = replace(
            analysis,
            sigma=pse.pse * float(np.sqrt(usable.count.sum())) / 2,
            sigma_source="Lenth's pseudo standard error",
            error_term=f"Lenth's pseudo standard error of {len(pse.effects)} contrasts: there are "
            "no replicates and no residual df, so it holds if most effects are zero",
            df=pse.df,
            adjustment="intervals for each effect alone; p and verdicts by the simultaneous margin "
            "over all contrasts (simulated)",
            lack_of_fit=None,
        )
    return _with_best(analysis, best(experiment, usable, rules, fitted), lenth)


def _with_best(analysis: Analysis, winner: Best | str, lenth: HalfNormal | str) -> Analysis:
    """The analysis with P(best) and the half-normal contrasts, or the reasons why not."""
    return replace(
        analysis,
        half_normal=half_normal_plot(lenth) if isinstance(lenth, HalfNormal) else None,
        half_normal_reason=None if isinstance(lenth, HalfNormal) else lenth,
        best=winner if isinstance(winner, Best) else None,
        best_reason=None if isinstance(winner, Best) else winner,
    )


def _arms(
    experiment: Experiment,
    usable: Cells,
    metric: str,
    layout: str,
    reference: np.ndarray,
    rules: Rules,
) -> Analysis:
    """The analysis of comparisons between arms."""
    screened: tuple[Interaction, ...] = ()
    notes = []
    estimand = BASELINE
    if layout == CUMULATIVE:
        effects = cumulative(experiment, usable, rules)
        estimand = "each step after the steps before it"
        adjustment = "intervals hold for all steps at once (Šidák); p by Holm"
        notes.append("Each step's effect depends on the order in which the tricks were added.")
    else:
        effects, adjustment = against_reference(experiment, usable, reference, rules)
        if reference.any():
            named = level_names(experiment.factors, reference)
            estimand = f"at the reference: {arm_label(named, experiment.factors)}"
    if layout == PAIRS:
        screened = pair_interactions(experiment, usable)
        adjustment += "; interactions each alone, screened by Benjamini-Hochberg (exploratory)"
    if not usable.replicate_df:
        notes.append(
            "One seed in each arm: no error degrees of freedom, so no intervals and no verdicts. "
            "Intervals need more seeds: --seeds 3 or more."
        )
    df = [e.estimate.df for e in effects if e.estimate.df is not None]
    if rules.noise == "own" and df and min(df) < FEW_DF < usable.replicate_df:
        notes.append(
            f"With so few runs the noise of an arm has only {min(df):.1f} df, which makes "
            "intervals very wide. Use more seeds, or --noise equal if all arms are equally noisy "
            f"({usable.replicate_df} df)."
        )
    analysis = Analysis(
        metric, metrics.named(metric).unit, rules.larger_is_better, layout, estimand,
        sigma=usable.pooled_sd,
        sigma_source="pooled over all arms" if usable.replicate_df else "not estimable",
        error_term=ERROR[rules.noise] if usable.replicate_df else "none: one run in each arm",
        df=float(usable.replicate_df) or None,
        negligible=rules.margin,
        level=rules.level,
        adjustment=adjustment,
        effects=tuple(effects),
        interactions=screened,
        notes=tuple(notes),
    )  # fmt: skip
    winner = best(experiment, usable, rules)
    return _with_best(analysis, winner, "a half-normal plot is for grids")

"""Data beside the effects: means of arms, diverged and collapsed runs, and notes on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from runner.analysis.collapsed import collapsed
from runner.analysis.comparisons.worst_rank import worst_rank
from runner.analysis.data.arms import ArmRow, arm_table
from runner.analysis.data.divergence import divergence
from runner.analysis.data.equal_arms import equal_arms
from runner.analysis.data.experiment import Experiment, states, succeeded, values
from runner.analysis.effects import GRID, Effect
from runner.analysis.metrics.registry import named
from runner.analysis.model.coding import Weights, shares
from runner.analysis.result import Analysis, RunCounts
from runner.designs.layout import FACTORIAL


def design_weights(experiment: Experiment) -> Weights:
    """Shares of levels among all runs, with diverged runs, which must not change the estimand."""
    codes = experiment.codes
    return shares(codes, np.ones(len(codes)), experiment.sizes)


def with_surroundings(experiment: Experiment, analysis: Analysis) -> Analysis:
    """The analysis with arms, diverged and collapsed runs, and notes about them."""
    table = arm_table(experiment, analysis.metric)
    averaged = analysis.layout == FACTORIAL and analysis.estimand == GRID
    found = divergence(experiment)
    counted = states(experiment.runs)
    notes = [*experiment.notes, *analysis.notes]
    told: set[str] = set()
    if counted.get("diverged"):
        notes.append(
            f"{counted['diverged']} of {len(experiment.runs)} runs diverged. Effects on "
            f"{analysis.metric} use only the runs that succeeded; diverged runs are counted by "
            "level, not averaged."
        )
    lost = [row for row in table.rows if not row.ok]
    if lost:
        notes.append(_lost_arms(analysis, lost, len(table.rows)))
    for item in sorted(found, key=lambda x: -x.diverged / x.runs):
        if item.factor in told:
            continue
        told.add(item.factor)
        if item.p is not None and item.p < experiment.level and item.diverged:
            notes.append(
                f"Diverged runs are unevenly spread over {item.factor}: {item.diverged} of "
                f"{item.runs} at {item.level}."
            )
    equal = equal_arms(experiment)
    notes += map(str, equal)
    if named(analysis.metric).share:
        y = values(experiment.runs, analysis.metric)[succeeded(experiment.runs)]
        if y.notna().any() and y.max() <= 1:
            notes.append("All accuracies are at most 1: give per cent, not shares.")
    return replace(
        analysis,
        arms=table.rows,
        arm_columns=table.columns,
        divergence=found,
        equal_arms=equal,
        collapsed=collapsed(
            experiment, analysis.metric, table, design_weights(experiment) if averaged else None
        ),
        runs=RunCounts(sum(row.ok for row in table.rows), len(experiment.runs), counted),
        effects=_worst_ranks(experiment, analysis) if found else analysis.effects,
        notes=tuple(notes),
    )


def _worst_ranks(experiment: Experiment, analysis: Analysis) -> tuple[Effect, ...]:
    """The effects with their worst ranks: between two arms, or between levels in a grid."""
    runs = experiment.runs
    trained = runs["state"].astype(str).isin(["ok", "diverged"]).to_numpy()
    y = values(runs, analysis.metric).where(succeeded(runs)).to_numpy()
    trained = trained & ~(np.isnan(y) & succeeded(runs).to_numpy())
    codes = experiment.codes
    names = list(experiment.factors)
    effects = []
    for e in analysis.effects:
        if e.arms is not None:
            on, off = ((codes == np.array(arm)).all(axis=1) for arm in e.arms)
        else:
            j, levels = names.index(e.factor), experiment.factors[e.factor]
            on, off = (codes[:, j] == levels.index(x) for x in (e.level, e.reference))
        line = worst_rank(y[on & trained], y[off & trained], analysis.larger_is_better,
                          analysis.level)  # fmt: skip
        effects.append(replace(e, worst_rank=line))
    return tuple(effects)


def _lost_arms(analysis: Analysis, lost: Sequence[ArmRow], arms: int) -> str:
    """A note on arms without a successful run, and the consequence for the effects."""
    named = "; ".join(row.label for row in lost[:8])
    more = f"; and {len(lost) - 8} more" if len(lost) > 8 else ""
    why = "every run diverged" if all(x.diverged == x.runs for x in lost) else "no run is ok"
    means = "their effects are not known"
    if analysis.layout == FACTORIAL:
        means = (
            "averages over the grid use the model's extrapolation to these arms instead of "
            "measured values"
        )
    return f"{len(lost)} of {arms} arms never succeeded ({why}): {named}{more}; {means}."

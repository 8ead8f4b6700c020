"""Arms near chance accuracy, and the averages over a grid without them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from runner.analysis.data.arm_statistics import cells
from runner.analysis.data.arms import ArmTable
from runner.analysis.data.experiment import Experiment
from runner.analysis.data.log_odds import in_logits
from runner.analysis.model.coding import Weights
from runner.analysis.model.factorial import factorial


@dataclass(frozen=True)
class EffectWithout:
    """An effect, averaged over the grid without the collapsed arms."""

    factor: str
    level: str
    effect: float | None


@dataclass(frozen=True)
class Collapsed:
    """Labels of collapsed arms, or None with the `reason` why they are unknown.

    without: the effects without them; None if no average over a grid includes a collapsed arm.
    """

    arms: tuple[str, ...] | None = None
    reason: str | None = None
    without: tuple[EffectWithout, ...] | None = None


def collapsed(
    experiment: Experiment, metric: str, table: ArmTable, weights: Weights | None
) -> Collapsed:
    """Collapsed arms and, with the design's `weights`, averages over the grid without them."""
    labels = table.collapsed()
    if labels is None:
        return Collapsed(reason="chance accuracy is not known")
    if not labels or weights is None:
        return Collapsed(labels)
    keys = list(experiment.factors)
    gone = set(labels)
    out = {tuple(row.levels[k] for k in keys) for row in table.rows if row.label in gone}
    arms_of_runs = zip(*(experiment.runs[k].astype(str) for k in keys), strict=True)
    kept = np.array([arm not in out for arm in arms_of_runs])
    left = replace(experiment, runs=experiment.runs[kept])
    if experiment.scale == "logit":
        left = in_logits(left, metric)
    rest = cells(left, metric)
    if not len(rest.count):
        return Collapsed(labels)
    fitted = factorial(rest, experiment.sizes, weights)
    without = []
    for i, contrast in enumerate(fitted.coding.mains):
        name = keys[contrast.factor]
        value = fitted.fit.estimate(fitted.coding.main_effect(i)).value
        without.append(EffectWithout(name, experiment.factors[name][contrast.level], value))
    return Collapsed(labels, without=tuple(without))

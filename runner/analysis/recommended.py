"""The recommended recipe: a cheap arm among those that validation cannot tell from the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from runner.analysis.analyze import find_layout
from runner.analysis.arm_summary import design_weights
from runner.analysis.best import ArmDraws, arm_draws
from runner.analysis.data.arm_statistics import cells
from runner.analysis.data.arms import ArmRow, arm_table
from runner.analysis.data.experiment import Experiment
from runner.analysis.data.labels import arm_label, level_names
from runner.analysis.metrics.registry import CHOOSES
from runner.analysis.model.factorial import factorial
from runner.designs.factor import PLACEBO
from runner.designs.layout import FACTORIAL
from tricks.errors import BadInput

ALIKE = 0.05  # smallest P(at least as good as the best) of an arm that validation cannot tell apart
MOST_NUMBERS = 1_000_000  # numbers
CLOSE = 1.1  # times the seconds of the cheapest arm; noise alone makes such differences


@dataclass(frozen=True)
class Gain:
    """The change of a metric from the baseline to the recipe, shrunk towards the other arms."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Recommended:
    """The recommended arm, and the numbers behind the choice.

    best: the arm with the best validation accuracy. alike: the number of arms, including both,
    that validation cannot tell from `best`. of: the number of candidates. time: training seconds
    over the baseline's. gain: of the requested metric; sure: P(better than the baseline on
    validation); all three are None for the baseline itself, or without a baseline.
    """

    label: str
    levels: Mapping[str, str]
    best: str
    alike: int
    of: int
    time: float | None = None
    gain: Gain | None = None
    sure: float | None = None

    @property
    def is_baseline(self) -> bool:
        """Whether the recommended arm is the baseline."""
        return self.label == "baseline"


def recommended(experiment: Experiment, metric: str) -> Recommended | str:
    """The recipe to use, or the reason why there is none.

    Arms with a diverged or failed run, and arms near chance, are left out. The best arm has the
    largest posterior mean of validation accuracy. An arm that is at least as good with probability
    `ALIKE` is not distinguishable from it. Of these arms only those remain that cost at most
    `CLOSE` times the cheapest. The best of the remaining arms by validation is recommended.
    """
    if CHOOSES not in experiment.runs or experiment.runs[CHOOSES].isna().all():
        return f"the runs have no {CHOOSES}, by which an arm could be chosen"
    if metric not in experiment.runs:
        return f"the runs have no {metric}"
    chosen = _draws(experiment, CHOOSES)
    if isinstance(chosen, str):
        return chosen
    rows = _rows(experiment)
    labels = [_label(experiment, levels) for levels in chosen.levels]
    sound = [i for i, label in enumerate(labels) if _sound(rows.get(label, []))]
    if not sound:
        return "every arm has a diverged or failed run, or is near chance"
    mean = chosen.drawn.mean(axis=0)
    best = max(sound, key=lambda i: mean[i])
    ahead = (chosen.drawn[:, sound] >= chosen.drawn[:, [best]]).mean(axis=0)
    alike = [i for i, share in zip(sound, ahead, strict=True) if share >= ALIKE]
    seconds = {i: _seconds(rows[labels[i]]) for i in alike}
    known = [x for x in seconds.values() if x is not None]
    cheap = [i for i in alike if not known or (seconds[i] or np.inf) <= CLOSE * min(known)]
    place = max(cheap, key=lambda i: mean[i])
    label = labels[place]
    levels = level_names(experiment.factors, chosen.levels[place])
    found = Recommended(label, levels, labels[best], len(alike), len(sound))
    if "baseline" not in labels or found.is_baseline:
        return found
    base = labels.index("baseline")
    mine, theirs = _seconds(rows[label]), _seconds(rows["baseline"])
    return replace(
        found,
        time=mine / theirs if mine and theirs else None,
        gain=_gain(experiment, metric, chosen.levels[[base, place]]),
        sure=float((chosen.drawn[:, place] > chosen.drawn[:, base]).mean()),
    )  # fmt: skip


def _draws(experiment: Experiment, metric: str, wanted: np.ndarray | None = None) -> ArmDraws | str:
    """Draws of the arms' means of `metric`, from a factorial's model if one fits."""
    usable = cells(experiment, metric)
    if not len(usable.count):
        return f"no run has a value of {metric}"
    layout, _ = find_layout(experiment, usable)
    fitted = None
    if layout == FACTORIAL:
        weights = design_weights(experiment)
        fitted = factorial(usable, experiment.sizes, weights, experiment.noise)
    return arm_draws(usable, experiment.noise == "equal", fitted, wanted, MOST_NUMBERS)


def _gain(experiment: Experiment, metric: str, both: np.ndarray) -> Gain | None:
    """The gain of the recipe. both: (2, factors) level indices of the baseline and the recipe."""
    try:
        found = _draws(experiment, metric, both)
    except BadInput:
        return None
    if isinstance(found, str):
        return None
    change = found.drawn[:, 1] - found.drawn[:, 0]
    low, high = np.quantile(change, [experiment.level / 2, 1 - experiment.level / 2])
    return Gain(float(change.mean()), float(low), float(high))


def _label(experiment: Experiment, levels: np.ndarray) -> str:
    return arm_label(level_names(experiment.factors, levels), experiment.factors)


def _rows(experiment: Experiment) -> dict[str, list[ArmRow]]:
    """The arms by label; an arm with and without a placebo has one label."""
    found: dict[str, list[ArmRow]] = {}
    for row in arm_table(experiment, CHOOSES).rows:
        levels = {k: experiment.factors[k][0] if k == PLACEBO else v for k, v in row.levels.items()}
        found.setdefault(arm_label(levels, experiment.factors), []).append(row)
    return found


def _sound(rows: list[ArmRow]) -> bool:
    return bool(rows) and all(
        row.ok == row.runs and not row.near_chance(row.val_accuracy) for row in rows
    )


def _seconds(rows: list[ArmRow]) -> float | None:
    known = [row.seconds for row in rows if row.seconds]
    return sum(known) / len(known) if known else None

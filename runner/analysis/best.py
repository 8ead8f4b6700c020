"""P(best): the probability that an arm is the best, from posterior draws of all arms' means."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.experiment import Experiment
from runner.analysis.data.labels import arm_label, level_names
from runner.analysis.data.shrunken_means import drawn_means
from runner.analysis.model.factorial import Factorial
from runner.analysis.model.model_means import MOST_NUMBERS, ModelMeans
from runner.analysis.verdicts import Rules

SHOWN = 10
MOST_COMBINATIONS = 20_000
CURSE = "The best of many arms is lucky as well as good: "
AGAIN = "`tricks-bench run --confirm` trains it again on fresh seeds."
OWN = "drawn from the arms' means, which are normal about a common mean with an estimated sd"
ONCE = "one run in each arm (more seeds show the noise)"
ELSEWHERE = "train it again on fresh seeds before you believe it."  # for tables of other tools


@dataclass(frozen=True)
class BestArm:
    """An arm, its mean and P(it is the best)."""

    label: str
    levels: Mapping[str, str]
    probability: float
    mean: float


@dataclass(frozen=True)
class BestCombination:
    """The likeliest of `of` combinations. in_design: whether an arm has this recipe."""

    label: str
    levels: Mapping[str, str]
    probability: float
    mean: float
    in_design: bool
    of: int
    assumes: str | None


@dataclass(frozen=True)
class Best:
    """The likeliest arms first. what: a description of the draws; assumes: untested assumptions."""

    arms: tuple[BestArm, ...]
    what: str
    assumes: str | None
    combination: BestCombination | None
    combination_reason: str | None
    note: str


@dataclass(frozen=True)
class ArmDraws:
    """Joint draws of the arms' means; an arm and the same arm with a placebo count as one.

    levels: (arms, factors) level indices. mean: (arms,). drawn: (draws, arms). model: the model of
    a factorial, if it fits; None: the draws are from each arm's runs.
    """

    levels: np.ndarray
    mean: np.ndarray
    drawn: np.ndarray
    model: ModelMeans | None


def best(
    experiment: Experiment, cells: Cells, rules: Rules, fitted: Factorial | None = None
) -> Best | str:
    """The arms most likely to be the best, or the reason why they are not known.

    If a factorial's model fits its arms, the draws come from the model, so every run informs every
    arm. Then the best of all combinations whose mean the runs determine is also given. Otherwise
    the draws come from the means of the arms (see `drawn_means`). An arm and the same arm with a
    placebo count as one, since two arms of one recipe would share its probability.
    """
    if rules.larger_is_better is None:
        return "it is not known whether more or less of this metric is better"
    found = arm_draws(cells, rules.noise == "equal", fitted)
    if isinstance(found, str):
        return found
    model = found.model
    sign = 1.0 if rules.larger_is_better else -1.0
    top: BestCombination | str = "the model does not fit its arms: arms only"
    if fitted is None:
        top = "no model of the arms: arms only"
    if model is not None:
        top = _combination(experiment, model, sign)
    return Best(
        arms=_listed(experiment, found.levels, found.mean, wins(sign * found.drawn)),
        what=model.what if model else OWN,
        assumes=model.assumes() if model else None,
        combination=None if isinstance(top, str) else top,
        combination_reason=top if isinstance(top, str) else None,
        note=CURSE + (AGAIN if experiment.grid else ELSEWHERE),
    )


def arm_draws(
    cells: Cells,
    equal: bool,
    fitted: Factorial | None = None,
    wanted: np.ndarray | None = None,
    most: int = MOST_NUMBERS,
) -> ArmDraws | str:
    """Draws of the arms' means, or the reason why there are none.

    equal: noise is the same in all arms. wanted: (n, factors) the arms to draw, each with a run
    and without a placebo; None: all arms. most: numbers drawn from a model.
    """
    arms = cells.merged[0]
    if len(arms.count) < 2:
        return "there is one arm"
    if fitted is not None and fits(fitted):
        model = ModelMeans(fitted, cells)
        levels = arms.levels if wanted is None else wanted
        return ArmDraws(levels, *model.drawn(levels, most), model)
    own = drawn_means(arms, equal)
    if own is None:
        why = "the runs of each arm are equal" if arms.replicate_df else ONCE
        return f"there is no noise to draw from: {why}"
    if wanted is None:
        return ArmDraws(arms.levels, arms.mean, own, None)
    places = [arms.find(levels) for levels in wanted]
    known = [place for place in places if place is not None]
    if len(known) < len(places):
        return "an arm has no run"
    return ArmDraws(wanted, arms.mean[known], own[:, known], None)


def fits(fitted: Factorial) -> bool:
    """Whether a model has an error term and no significant lack of fit."""
    lack = fitted.fit.lack
    known = fitted.fit.error != "none" and bool(fitted.fit.sigma)
    return known and (lack is None or not (lack.significant or lack.used))


def _combination(experiment: Experiment, model: ModelMeans, sign: float) -> BestCombination | str:
    """The likeliest combination among those whose mean the runs determine, or a reason."""
    if math.prod(experiment.sizes) > MOST_COMBINATIONS:
        return f"more than {MOST_COMBINATIONS:,} combinations"
    arms = model.recipes(model.arms.levels)
    every = np.array(list(itertools.product(*map(np.unique, arms.T))), dtype=np.int64)
    rows = model.rows(every)
    lost = np.linalg.norm(rows @ model.fit.model.null, axis=1)
    every = every[lost < 1e-6 * np.linalg.norm(rows, axis=1)]
    if not len(every):
        return "the runs determine the mean of no combination"
    mean, drawn = model.drawn(every)
    share = wins(sign * drawn)
    top = int(np.argsort(-share, kind="stable")[0])
    there = bool(model.places(every[[top]])[0] >= 0)
    found = _listed(experiment, every[[top]], mean[[top]], share[[top]])[0]
    return BestCombination(
        found.label, found.levels, found.probability, found.mean,
        in_design=there, of=len(every), assumes=model.assumes(not there),
    )  # fmt: skip


def wins(drawn: np.ndarray) -> np.ndarray:
    """(arms,) share of draws in which an arm has the largest mean; tied arms share the draw.

    drawn: (draws, arms).

    >>> wins(np.array([[1.0, 2.0], [3.0, 3.0]]))
    array([0.25, 0.75])
    """
    top = drawn == drawn.max(axis=1, keepdims=True)
    return np.asarray((top / top.sum(axis=1, keepdims=True)).mean(axis=0))


def _listed(
    experiment: Experiment, levels: np.ndarray, mean: np.ndarray, share: np.ndarray
) -> tuple[BestArm, ...]:
    """The likeliest arms first."""
    found = []
    for i in np.argsort(-share, kind="stable")[:SHOWN]:
        named = level_names(experiment.factors, levels[i])
        label = arm_label(named, experiment.factors)
        found.append(BestArm(label, named, float(share[i]), float(mean[i])))
    return tuple(found)

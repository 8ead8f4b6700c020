"""Accuracy against cost: the probability that an arm is on the front.

An arm is on the front if no other arm is both better and cheaper. The front itself is uncertain:
with many arms and few runs the front of the means is mostly luck. So both values are drawn jointly
from their posterior. P(on the front) is the share of draws in which the arm is on the front.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from runner.analysis.cost import times
from runner.analysis.data.arm_statistics import distinct, group
from runner.analysis.data.experiment import Experiment, succeeded, values
from runner.analysis.data.labels import arm_label, level_names
from runner.analysis.metrics.registry import direction, named
from runner.analysis.model.factorial import prepare

DRAWS = 4000
MOST_PAIRED = 400_000  # draws × arms at once
MOST_ARMS = 5_000
LISTED = 50
LEAST = 0.001  # shares are kept this far from 0 and 1, where log-odds are infinite
# The covariance of an arm with few runs is shrunk towards that of all arms, with so many df.
PRIOR_DF = 4


@dataclass(frozen=True)
class FrontArm:
    """An arm's mean of the metric, its cost in seconds, and P(it is on the front)."""

    label: str
    levels: Mapping[str, str]
    metric: float
    cost: float
    runs: int
    probability: float


@dataclass(frozen=True)
class Pareto:
    """The arms most probably on the front, of `of` arms, or the `reason` why there are none.

    cost: the column of seconds. draws: number of posterior draws. model: a description of the
    model that they come from.
    """

    cost: str | None = None
    arms: tuple[FrontArm, ...] | None = None
    of: int | None = None
    draws: int | None = None
    model: str | None = None
    reason: str | None = None


def pareto(experiment: Experiment, metric: str, factorial: bool) -> Pareto:
    """P(on the front) of each arm, the 50 most probable first.

    factorial: whether arms without replicates are drawn from a model with main effects and
    estimable two-factor interactions, fitted to both values on the same X. Arms with replicates
    are drawn from their runs alone. Cost is the geometric mean of the training seconds.
    """
    found = times(experiment)
    if found is None:
        return Pareto(reason="the runs have no training times")
    better = direction(metric, experiment.larger_is_better)
    if better is None:
        return Pareto(reason="it is not known whether more or less of this metric is better")
    column = found[0]
    y, seconds = values(experiment.runs, metric), values(experiment.runs, column)
    usable = (succeeded(experiment.runs) & y.notna() & (seconds > 0)).to_numpy()
    codes = experiment.codes[usable]
    both = np.column_stack([y[usable].to_numpy(), np.log(seconds[usable].to_numpy())])
    arms, cell = distinct(codes)
    count = np.bincount(cell, minlength=len(arms))
    if len(arms) < 2:
        return Pareto(reason="fewer than two arms have a result and a time")
    if len(arms) > MOST_ARMS:
        return Pareto(reason=f"{len(arms):,} arms are too many to draw from")
    mean = np.column_stack([np.bincount(cell, weights=v) / count for v in both.T])
    rng = np.random.default_rng(0)  # the same report from the same data
    draws = int(np.clip(MOST_PAIRED // len(arms), 500, DRAWS))
    replicated = 2 * int((count > 1).sum()) >= len(arms)
    if replicated:
        drawn = pair_draws(both - mean[cell], cell, mean, count, draws, rng)
        how = "from the mean and sd of each arm"
    elif factorial:
        share = named(metric).share
        if share:  # a sum of effects on shares may pass 100 %
            both[:, 0] = logit(np.clip(both[:, 0] / 100, LEAST, 1 - LEAST))
        modelled = model_draws(codes, both, experiment.sizes, draws, rng)
        if modelled is None:
            return Pareto(
                reason="no replicates and no residual df: the noise of an arm is not known"
            )
        mean, drawn = modelled
        if share:
            mean[:, 0] = 100 * expit(mean[:, 0])
        scale = f"log-odds of {metric}" if share else metric
        how = f"from main effects and two-factor interactions on {scale} and log seconds"
    else:
        return Pareto(reason="one run in an arm: its noise is not known (--seeds 3)")
    sign = 1.0 if better else -1.0
    wins = on_front(sign * drawn[..., 0], drawn[..., 1]).mean(axis=0)
    listed = []
    for i in np.argsort(-wins, kind="stable")[:LISTED]:
        levels = level_names(experiment.factors, arms[i])
        listed.append(
            FrontArm(
                arm_label(levels, experiment.factors), levels,
                metric=float(mean[i, 0]), cost=float(np.exp(mean[i, 1])),
                runs=int(count[i]), probability=float(wins[i]),
            )
        )  # fmt: skip
    return Pareto(column, tuple(listed), len(arms), draws, how)


def on_front(good: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Whether an arm is on the front: no other arm is better at no higher cost.

    good, cost, result: (draws, arms).

    >>> on_front(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 3.0, 2.0]])).tolist()
    [[True, False, True]]
    """
    first = np.argsort(-good, axis=1, kind="stable")
    then = np.argsort(np.take_along_axis(cost, first, axis=1), axis=1, kind="stable")
    order = np.take_along_axis(first, then, axis=1)  # cheapest first, of equal cost the best
    ranked = np.take_along_axis(good, order, axis=1)
    best = np.maximum.accumulate(ranked, axis=1)
    front = np.ones_like(ranked, dtype=bool)
    front[:, 1:] = ranked[:, 1:] > best[:, :-1]
    result = np.empty_like(front)
    np.put_along_axis(result, order, front, axis=1)
    return result


def pair_draws(
    left: np.ndarray, cell: np.ndarray, mean: np.ndarray, count: np.ndarray, draws: int,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """(draws, arms, 2) means of arms. left: (runs, 2) deviations from the means of the arms."""
    arms = len(count)
    squares = np.zeros((arms, 2, 2))
    np.add.at(squares, cell, left[:, :, None] * left[:, None, :])
    pooled = squares.sum(axis=0) / (count - 1).sum()
    df = count - 1.0 + PRIOR_DF
    own = (squares + PRIOR_DF * pooled) / df[:, None, None]
    z = rng.standard_normal((draws, arms, 2))
    scale = np.sqrt(df / rng.chisquare(df, (draws, arms)) / count)
    return mean + scale[..., None] * np.einsum("aij,daj->dai", _root(own), z)


def model_draws(
    codes: np.ndarray, both: np.ndarray, sizes: list[int], draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Fitted (arms, 2) and (draws, arms, 2) from the posterior of the regression of both values.

    None without residual df. both: (runs, 2).
    """
    cells = group(codes, both[:, 0])
    coding, model, _, _ = prepare(cells, sizes)
    df = len(codes) - model.rank
    if df < 1:
        return None
    X = coding.matrix(codes)
    beta = model.bread @ (X.T @ both)
    left = both - X @ beta
    covariance = left.T @ left / df
    fitted = model.X @ beta
    spread = model.X @ _root(model.bread)
    z = rng.standard_normal((draws, X.shape[1], 2)) @ _root(covariance).T
    scale = np.sqrt(df / rng.chisquare(df, draws))
    return fitted, fitted + scale[:, None, None] * (spread @ z)


def _root(matrix: np.ndarray) -> np.ndarray:
    """R with R R' = matrix, of symmetric matrices that may be singular. (..., k, k)."""
    sizes, vectors = np.linalg.eigh(matrix)
    root: np.ndarray = vectors * np.sqrt(np.clip(sizes, 0, None))[..., None, :]
    return root

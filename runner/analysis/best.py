"""P(best): how probable it is that an arm is the best one, by drawing from what is known of all."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from scipy import optimize, special

from runner.analysis.arms import arm_label, level_names
from runner.analysis.cells import Cells
from runner.analysis.experiment import Experiment
from runner.analysis.factorial import Factorial
from runner.analysis.verdicts import Rules

SHOWN = 10
MOST_COMBINATIONS = 20_000
MOST_DF = 1e4  # of the prior of variances that differ by no more than chance
MOST_DRAWN = 8_000_000  # numbers at once
CURSE = "The best of many is lucky as well as good: "
AGAIN = "`tricks-bench run --confirm` trains it again on fresh seeds."
ELSEWHERE = "train it again on fresh seeds before you believe it."  # runs of a table made elsewhere


def best(
    experiment: Experiment, cells: Cells, rules: Rules, fitted: Factorial | None = None
) -> dict[str, Any] | str:
    """The arms most likely to be the best, or why that is not known.

    From a factorial's model, if it fits its arms: t(β̂, V̂), so that every run informs every arm;
    then also the best of all combinations whose mean the runs determine. Otherwise from the
    arms' own means, each with its own noise (`moderated`), or the pooled one where noise is equal.
    An arm and the same with a placebo are one: two of a recipe would share its probability.
    """
    arms = cells.merged[0]
    if len(arms.count) < 2:
        return "there is one arm"
    sign = 1.0 if rules.larger_is_better else -1.0
    if fitted is not None and _fits(fitted):
        return _by_model(experiment, cells, fitted, sign)
    drawn = _arm_draws(arms, rules)
    if drawn is None:
        return "there is no noise to draw from: one run in each arm (more seeds give some)"
    what = "drawn from the t distribution of each arm's mean, variances moderated (Smyth 2004)"
    return {
        "arms": _listed(experiment, arms.levels, arms.mean, _wins(sign * drawn)),
        "what": what,
        "combination": None,
        "combination_reason": "no model of the arms: arms only"
        if fitted is None
        else "the model does not fit its arms: arms only",
        "note": _note(experiment),
    }


def _note(experiment: Experiment) -> str:
    """What to do about the winner's curse; a study knows its grid, a table made elsewhere none."""
    return CURSE + (AGAIN if experiment.grid else ELSEWHERE)


def _fits(fitted: Factorial) -> bool:
    """Whether the model has an error term and no significant lack of fit."""
    lack = fitted.fit.lack
    known = fitted.fit.error != "none" and bool(fitted.fit.sigma)
    return known and (lack is None or not (lack.significant or lack.used))


def _draws(arms: int) -> int:
    return max(200, min(20_000, MOST_DRAWN // arms))


def _arm_draws(cells: Cells, rules: Rules) -> np.ndarray | None:
    """(draws, arms) from each arm's t; None without any replicates."""
    pooled, df = cells.pooled_sd, cells.replicate_df
    if not pooled:
        return None
    sd, free = np.full(len(cells.count), pooled), np.full(len(cells.count), float(df))
    if rules.noise == "own":
        sd, free = moderated(cells)
    t = np.random.default_rng(0).standard_t(free, (_draws(len(sd)), len(sd)))
    return np.asarray(cells.mean + t * sd / np.sqrt(cells.count))


def moderated(cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """(cells,) sd and df: each arm's own variance, drawn towards that of the others.

    Empirical Bayes (Smyth 2004, doi:10.2202/1544-6115.1027): variances are taken to come from a
    scaled inverse χ² whose df and scale are estimated from their logarithms. On its own an arm of
    two runs has a t of one df, whose tails would make any noisy arm a candidate.
    """
    own = cells.count - 1.0
    variance = np.nan_to_num(cells.sd() ** 2)
    seen = variance > 0
    if seen.sum() < 3:
        return np.full(len(own), cells.pooled_sd), np.full(len(own), float(cells.replicate_df))
    half = own[seen] / 2
    logs = np.log(variance[seen]) - special.digamma(half) + np.log(half)
    spread = logs.var(ddof=1) - special.polygamma(1, half).mean()
    prior = 2 * _inverse_trigamma(spread) if spread > 0 else MOST_DF
    scale = math.exp(logs.mean() + float(special.digamma(prior / 2)) - math.log(prior / 2))
    free = prior + own
    return np.sqrt((prior * scale + own * variance) / free), free


def _inverse_trigamma(value: float) -> float:
    """The x with trigamma(x) = value, within what a variance ratio can need."""
    low, high = 1e-3, MOST_DF / 2
    if value >= special.polygamma(1, low):
        return low
    if value <= special.polygamma(1, high):
        return high
    return float(optimize.brentq(lambda x: special.polygamma(1, x) - value, low, high))


def _by_model(
    experiment: Experiment, cells: Cells, fitted: Factorial, sign: float
) -> dict[str, Any]:
    fit = fitted.fit.extrapolating
    arms, X = cells.merged[0], fit.model.X
    half = fit.model.bread @ (X * np.sqrt(fit.variance)[:, None]).T  # (p, cells): V̂ = half half'
    values, vectors = np.linalg.eigh(half @ half.T)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    rng = np.random.default_rng(0)

    def drawn(rows: np.ndarray) -> np.ndarray:
        count = _draws(len(rows))
        scale = np.sqrt(fit.df / rng.chisquare(fit.df, count))
        deviation = root @ rng.standard_normal((len(root), count)) * scale
        return np.asarray((rows @ (fit.beta[:, None] + deviation)).T)

    means = X if arms is cells else _rows(fitted, cells, arms.levels)
    terms = "with two-factor interactions" if fitted.interactions else "of main effects alone"
    found: dict[str, Any] = {
        "arms": _listed(experiment, arms.levels, means @ fit.beta, _wins(sign * drawn(means))),
        "what": f"drawn from t(β̂, V̂) of the model {terms}; means are the model's",
        "combination": None,
        "combination_reason": None,
        "note": _note(experiment),
    }
    if math.prod(experiment.sizes) > MOST_COMBINATIONS:
        found["combination_reason"] = f"more than {MOST_COMBINATIONS:,} combinations"
        return found
    seen = [np.unique(arms.levels[:, j]) for j in range(len(experiment.sizes))]
    every = np.array(list(itertools.product(*seen)), dtype=np.int64)
    rows = _rows(fitted, cells, every)
    known = np.linalg.norm(rows @ fit.model.null, axis=1) < 1e-6 * np.linalg.norm(rows, axis=1)
    every, rows = every[known], rows[known]
    if not len(every):
        found["combination_reason"] = "the runs determine the mean of no combination"
        return found
    top = _listed(experiment, every, rows @ fit.beta, _wins(sign * drawn(rows)))[0]
    at = tuple(list(levels).index(top["levels"][f]) for f, levels in experiment.factors.items())
    in_design = arms.find(np.array(at)) is not None
    found["combination"] = {**top, "in_design": in_design, "of": len(every)}
    return found


def _rows(fitted: Factorial, cells: Cells, levels: np.ndarray) -> np.ndarray:
    """(arms, p) the model's rows, at the mean of a placebo that arms were run with and without."""
    rows = fitted.coding.matrix(levels)
    if cells.merged[0] is not cells:
        mains = fitted.coding.mains
        rows[:, [1 + i for i, c in enumerate(mains) if c.factor == cells.placebo]] = 0
    return rows


def _wins(drawn: np.ndarray) -> np.ndarray:
    """(arms,) share of draws in which an arm is the largest; ties are shared. drawn: (draws, arms).

    >>> _wins(np.array([[1.0, 2.0], [3.0, 3.0]]))
    array([0.25, 0.75])
    """
    top = drawn == drawn.max(axis=1, keepdims=True)
    return np.asarray((top / top.sum(axis=1, keepdims=True)).mean(axis=0))


def _listed(
    experiment: Experiment, levels: np.ndarray, mean: np.ndarray, wins: np.ndarray
) -> list[dict[str, Any]]:
    """The likeliest arms first."""
    found = []
    for i in np.argsort(-wins, kind="stable")[:SHOWN]:
        named = level_names(experiment.factors, levels[i])
        label = arm_label(named, experiment.factors)
        found.append(
            {"label": label, "levels": named, "probability": float(wins[i]), "mean": float(mean[i])}
        )
    return found

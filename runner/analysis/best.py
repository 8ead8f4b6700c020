"""P(best): how probable it is that an arm is the best one, by drawing from what is known of all."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from runner.analysis.arms import arm_label
from runner.analysis.cells import Cells
from runner.analysis.experiment import Experiment
from runner.analysis.factorial import Factorial
from runner.analysis.verdicts import Rules

SHOWN = 10
MOST_COMBINATIONS = 20_000
MOST_DRAWN = 8_000_000  # numbers at once
CURSE = (
    "The best of many is lucky as well as good: `tricks-bench run --confirm` trains it again on "
    "fresh seeds."
)


def best(
    experiment: Experiment, cells: Cells, rules: Rules, fitted: Factorial | None = None
) -> dict[str, Any] | str:
    """The arms most likely to be the best, or why that is not known.

    From a factorial's model, if it fits its arms: t(β̂, V̂), so that every run informs every arm;
    then also the best of all combinations whose mean the runs determine. Otherwise from the
    arms' own means, each with the t of its own runs (or the pooled sd, where noise is equal or an
    arm has one run): few runs have heavy tails, and noisy arms keep some chance by them.
    """
    if len(cells.count) < 2:
        return "there is one arm"
    sign = 1.0 if rules.larger_is_better else -1.0
    if fitted is not None and _fits(fitted):
        return _by_model(experiment, cells, fitted, sign)
    drawn = _arm_draws(cells, rules)
    if drawn is None:
        return "there is no noise to draw from: one run in each arm (more seeds give some)"
    what = "drawn from the t distribution of each arm's own mean"
    return {
        "arms": _listed(experiment, cells.levels, cells.mean, _wins(sign * drawn)),
        "what": what,
        "combination": None,
        "combination_reason": "no model of the arms: arms only"
        if fitted is None
        else "the model does not fit its arms: arms only",
        "note": CURSE,
    }


def _fits(fitted: Factorial) -> bool:
    """Whether the model has an error term and no significant lack of fit."""
    lack = fitted.fit.lack
    known = fitted.fit.error != "none" and bool(fitted.fit.sigma)
    return known and (lack is None or lack.p >= 0.05)


def _draws(arms: int) -> int:
    return max(200, min(20_000, MOST_DRAWN // arms))


def _arm_draws(cells: Cells, rules: Rules) -> np.ndarray | None:
    """(draws, arms) from each arm's t; None if some arm's noise is not known."""
    pooled, df = cells.pooled_sd, cells.replicate_df
    if not pooled:
        return None
    own = (cells.count > 1) & (rules.noise == "own")
    sd = np.where(own, np.nan_to_num(cells.sd()), pooled)
    rng = np.random.default_rng(0)
    t = rng.standard_t(np.where(own, cells.count - 1, df), (_draws(len(sd)), len(sd)))
    return np.asarray(cells.mean + t * sd / np.sqrt(cells.count))


def _by_model(
    experiment: Experiment, cells: Cells, fitted: Factorial, sign: float
) -> dict[str, Any]:
    fit = fitted.fit
    X, bread = fit.model.X, fit.model.bread
    half = bread @ (X * np.sqrt(fit.variance)[:, None]).T  # (p, cells): V̂ = half half'
    values, vectors = np.linalg.eigh(half @ half.T)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    rng = np.random.default_rng(0)

    def drawn(rows: np.ndarray) -> np.ndarray:
        count = _draws(len(rows))
        scale = np.sqrt(fit.df / rng.chisquare(fit.df, count))
        deviation = root @ rng.standard_normal((len(root), count)) * scale
        return np.asarray((rows @ (fit.beta[:, None] + deviation)).T)

    terms = "with two-factor interactions" if fitted.interactions else "of main effects alone"
    found: dict[str, Any] = {
        "arms": _listed(experiment, cells.levels, X @ fit.beta, _wins(sign * drawn(X))),
        "what": f"drawn from t(β̂, V̂) of the model {terms}; means are the model's",
        "combination": None,
        "combination_reason": None,
        "note": CURSE,
    }
    sizes = [len(levels) for levels in experiment.factors.values()]
    if math.prod(sizes) > MOST_COMBINATIONS:
        found["combination_reason"] = f"more than {MOST_COMBINATIONS:,} combinations"
        return found
    seen = [np.unique(cells.levels[:, j]) for j in range(len(sizes))]
    every = np.array(list(itertools.product(*seen)), dtype=np.int64)
    rows = fitted.coding.matrix(every)
    known = np.linalg.norm(rows @ fit.model.null, axis=1) < 1e-6 * np.linalg.norm(rows, axis=1)
    every, rows = every[known], rows[known]
    if not len(every):
        found["combination_reason"] = "the runs determine the mean of no combination"
        return found
    top = _listed(experiment, every, rows @ fit.beta, _wins(sign * drawn(rows)))[0]
    at = tuple(list(levels).index(top["levels"][f]) for f, levels in experiment.factors.items())
    in_design = cells.find(np.array(at)) is not None
    found["combination"] = {**top, "in_design": in_design, "of": len(every)}
    return found


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
        named = {
            name: names[code]
            for (name, names), code in zip(experiment.factors.items(), levels[i], strict=True)
        }
        label = arm_label(named, experiment.factors)
        found.append(
            {"label": label, "levels": named, "probability": float(wins[i]), "mean": float(mean[i])}
        )
    return found

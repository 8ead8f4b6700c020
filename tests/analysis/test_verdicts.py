"""Verdicts in simulated studies: how often helps, hurts, negligible and depends are wrong."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from runner.analysis.data.arm_statistics import group
from runner.analysis.data.estimates import holm
from runner.analysis.data.experiment import Experiment
from runner.analysis.model.factorial import Factorial, alias_sets, prepare
from runner.analysis.model.grid_effects import dependence, interactions
from runner.analysis.model.regression import fit
from runner.analysis.verdicts import Rules, verdict
from tests.analysis.error_rates import bound


def full(factors):
    return np.array(list(itertools.product((0, 1), repeat=factors)))


def half(factors):
    """Half of the grid: the last factor is the product of the others."""
    rest = full(factors - 1)
    return np.column_stack([rest, rest.sum(axis=1) % 2])


DESIGNS = {  # name: (arms, seeds, whether each arm has its own sd)
    "2^5": (full(5), 1, False), "2^5, unequal": (full(5), 1, True),
    "2^3 x 4, unequal": (full(3), 4, True), "half 2^7": (half(7), 1, False),
    "half 2^6 x 3, unequal": (half(6), 3, True),
}  # fmt: skip


def rates(name, studies, seed, first=0.0, margin=0.2, sd=1.0):
    """Shares of studies: any null factor helps or hurts; the first is negligible; any depends.

    first: the effect of the first factor; all others have none, and there are no interactions.
    """
    levels, seeds, unequal = DESIGNS[name]
    rng = np.random.default_rng(seed)
    runs = np.repeat(levels, seeds, axis=0)
    factors = {f"t{j}": ("off", "on") for j in range(levels.shape[1])}
    experiment = Experiment(pd.DataFrame(), factors)
    coding, design, unseen, weights = prepare(group(runs, np.zeros(len(runs))), [2] * len(factors))
    aliases = alias_sets(coding, design)
    rules = Rules(margin)
    wrong = negligible = depends = placebo = 0
    for _ in range(studies):
        spread = np.repeat(rng.uniform(0.35, 5.4, len(levels)) if unequal else sd, seeds)
        y = first * runs[:, 0] + spread * rng.standard_normal(len(runs))
        fitted = Factorial(coding, fit(design, group(runs, y)), unseen, aliases, weights)
        found = [fitted.fit.estimate(coding.main_effect(i)) for i in range(len(factors))]
        p = holm([e.p() for e in found])
        said = [
            verdict(e, q, e.interval(1 - 2 * rules.level), rules)
            for e, q in zip(found, p, strict=True)
        ]
        screened = interactions(experiment, fitted)
        hanging = [any(dependence(experiment, fitted, screened, i, rules)) for i in range(len(p))]
        nulls = said[1 if first else 0 :]
        wrong += bool({"helps", "hurts"} & set(nulls))
        placebo += said[-1] in ("helps", "hurts")
        negligible += said[0] == "negligible"
        depends += any(hanging)
    return wrong / studies, negligible / studies, depends / studies, placebo / studies


@pytest.mark.parametrize("name", ["2^5", "half 2^6 x 3, unequal"])
def test_errors_of_verdicts(name):
    wrong, _, depends, placebo = rates(name, 200, seed=1)
    assert wrong <= bound(200, 2)
    assert depends <= bound(200, 2)
    assert placebo <= bound(200, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_errors_of_verdicts_in_two_thousand_studies(name):
    wrong, _, depends, placebo = rates(name, 2000, seed=2)
    assert wrong <= bound(2000, 2)
    assert depends <= bound(2000, 2)
    assert placebo <= bound(2000, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["2^5", "2^3 x 4, unequal"])
def test_an_effect_at_the_margin_is_rarely_called_negligible(name):
    margin = 0.7 if name == "2^5" else 2.0
    _, negligible, _, _ = rates(name, 2000, seed=3, first=margin, margin=margin)
    assert negligible <= bound(2000, 2)
    assert rates(name, 300, seed=4, margin=margin)[1] > 0.05  # it can be called so at all

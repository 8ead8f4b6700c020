"""The correlation of arms at equal seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from runner.analysis.comparisons.pairing import correlation, pairing
from runner.analysis.data.experiment import Experiment


def table(rho, arms, seeds, rng, unequal=False):
    """(arms, seeds) values, correlated at equal seeds."""
    y = rho**0.5 * rng.standard_normal((1, seeds))
    y = y + (1 - rho) ** 0.5 * rng.standard_normal((arms, seeds))
    return y * np.exp(rng.uniform(0, 2.3, (arms, 1))) if unequal else y


def study(y, seed=None):
    """Runs of one factor with a level for each row of y."""
    rows = [{"a": str(i), "seed": j if seed is None else seed[i][j], "accuracy": 90 + value}
            for i, row in enumerate(y) for j, value in enumerate(row)]  # fmt: skip
    return Experiment(pd.DataFrame(rows), {"a": tuple(str(i) for i in range(len(y)))}, "add-one")


def coverage(rho, arms, seeds, studies):
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(studies):
        low, high = correlation(table(rho, arms, seeds, rng, unequal=True))[1]
        hits += low <= rho <= high
    return hits / studies


def test_rho_is_the_mean_correlation_of_all_pairs():
    y = table(0.5, 4, 6, np.random.default_rng(0), unequal=True)
    r = np.corrcoef(y)[np.triu_indices(4, 1)].mean()
    assert correlation(y)[0] == pytest.approx(r)
    found = pairing(study(y), "accuracy")
    assert found.rho == pytest.approx(r)
    assert (found.pairs, found.seeds) == (6, 6)
    assert found.ci[0] < r < found.ci[1]


def test_whether_pairing_pays():
    rng = np.random.default_rng(1)
    assert pairing(study(table(0.0, 8, 10, rng)), "accuracy").pays is False
    assert pairing(study(table(0.99, 8, 10, rng)), "accuracy").pays is True
    assert pairing(study(table(0.6, 2, 5, rng)), "accuracy").pays is None


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_interval_covers(rho):
    assert 0.9 <= coverage(rho, 8, 10, 400) <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize(("arms", "seeds"), [(2, 10), (11, 10), (11, 20)])
def test_the_interval_covers_in_two_thousand_studies(rho, arms, seeds):
    assert 0.92 <= coverage(rho, arms, seeds, 2000) <= 0.97


def test_what_cannot_be_known_is_null_with_a_reason():
    y = table(0.5, 3, 5, np.random.default_rng(3))
    own = np.arange(15).reshape(3, 5)
    assert "own seeds" in pairing(study(y, own), "accuracy").reason
    assert "2 common seeds" in pairing(study(y[:, :2]), "accuracy").reason
    three = pairing(study(y[:, :3]), "accuracy")
    assert three.ci is None
    assert three.rho is not None
    assert "twice" in pairing(study(y, np.zeros((3, 5))), "accuracy").reason
    no_seeds = study(y)
    no_seeds = replace(no_seeds, runs=no_seeds.runs.drop(columns="seed"))
    assert "no seeds" in pairing(no_seeds, "accuracy").reason
    assert "equal" in pairing(study(np.zeros((3, 5))), "accuracy").reason


def test_an_arm_that_lost_a_run_is_left_out():
    found = study(table(0.5, 4, 6, np.random.default_rng(4)))
    found.runs["state"] = "ok"
    found.runs.loc[0, ["state", "accuracy"]] = ["diverged", None]
    assert pairing(found, "accuracy").pairs == 3

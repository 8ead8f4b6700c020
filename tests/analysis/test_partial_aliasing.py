"""A residual's split into noise and interactions that main effects are mixed with."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import optimize

from benchmarks import operating_characteristics as oc
from benchmarks import procedures
from benchmarks.simulation import prepared, tables

DESIGN = oc.FACTORIALS["exchange 32, forbidden arms, × 2"][1]


@pytest.fixture(scope="module")
def known():
    return prepared(DESIGN(False))


def restricted_likelihood(X, features, y, variances):
    """-2 log REML likelihood, from the textbook's formula with dense matrices."""
    noise, interactions = variances
    V = noise * np.eye(len(y)) + interactions * features @ features.T
    inverse = np.linalg.inv(V)
    A = X.T @ inverse @ X
    beta = np.linalg.solve(A, X.T @ inverse @ y)
    r = y - X @ beta
    logs = np.linalg.slogdet(V)[1] + np.linalg.slogdet(A)[1]
    return float(logs + r @ inverse @ r)


def test_the_split_is_that_of_restricted_maximum_likelihood(known):
    """Against a direct minimum over both variances of all 64 runs, features made by hand."""
    levels = known.layout.levels
    on = 2.0 * levels - 1
    features = np.stack([on[:, i] * on[:, j] for i, j in itertools.combinations(range(9), 2)], 1)
    rng = np.random.default_rng(1)
    y = 80 + features @ rng.normal(0, 0.3, 36) + rng.normal(0, 1.5, len(on))
    fitted = known.fitted(next(iter(tables(levels, y[None])))).fit
    X = np.column_stack([np.ones(len(on)), on])
    best = optimize.minimize(
        lambda logs: restricted_likelihood(X, features, y, np.exp(logs)),
        np.log([1.0, 0.1]),
        method="Nelder-Mead",
    )
    noise, interactions = np.exp(best.x)
    assert fitted.split.noise == pytest.approx(noise, rel=0.02)
    assert fitted.split.interactions == pytest.approx(interactions, rel=0.06)  # a grid of ratios


def test_what_the_grids_average_has_of_interactions(known):
    """Over all arms without the two forbidden pairs, weighted as the design's own levels are."""
    arms = np.array(list(itertools.product((0, 1), repeat=9)))
    fine = ~((arms[:, 2] & arms[:, 3] == 1) | (arms[:, 6] & arms[:, 7] == 1))
    on = 2.0 * arms[fine] - 1
    features = np.stack([on[:, i] * on[:, j] for i, j in itertools.combinations(range(9), 2)], 1)
    X = np.column_stack([np.ones(len(on)), on])
    weight = np.prod([share[arms[fine][:, j]] for j, share in enumerate(known.weights)], axis=0)
    root = np.sqrt(weight)[:, None]
    expected = np.linalg.lstsq(root * X, root * features, rcond=None)[0]
    # Only the products with a factor of a forbidden pair do not average out.
    found = known.design.mixed.average
    assert np.abs(expected[1:]).max() > 0.3
    assert np.abs(found[1:]) == pytest.approx(np.abs(expected[1:]), abs=0.03)


@pytest.mark.parametrize("noise", ["constant", "constant, interactions"])
def test_its_standard_errors_are_those_of_the_errors(noise):
    found = procedures.averages(DESIGN(False), oc.populations("nine")[noise], 300).estimates
    errors = ((found.value - found.truth) ** 2).mean()
    assert (found.se**2).mean() == pytest.approx(errors, rel=0.12)


def test_it_is_used_where_replicates_show_that_there_are_interactions(known):
    levels = known.layout.levels
    on = 2.0 * levels - 1
    y = np.random.default_rng(0).normal(80, 1, (2, len(on)))
    y[1] += 3 * on[:, 0] * on[:, 1] + 2 * on[:, 4] * on[:, 5]
    none, some = (known.fitted(cells).fit for cells in tables(levels, y))
    assert none.split is None
    assert some.split is not None
    assert some.split.noise == pytest.approx(1, abs=0.5)
    once = prepared(oc.FACTORIALS["exchange 32, forbidden arms"][1](False))
    assert once.design.mixed is None, "one run of each arm cannot tell noise from interactions"

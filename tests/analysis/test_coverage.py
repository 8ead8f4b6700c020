"""How often a nominal 95 % interval holds the truth, in simulated studies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from runner.analysis.comparisons.welch import welch
from runner.analysis.data.arm_statistics import Cells, group
from runner.analysis.data.estimates import Estimate
from runner.analysis.model.coding import Coding
from runner.analysis.model.factorial import alias_sets, factorial, prepare
from runner.analysis.model.regression import fit

SIZES = [2] * 8 + [3]


def full(factors=8, three=True):
    """Level indices of all arms."""
    return np.array(list(itertools.product(*[range(2)] * factors, *([range(3)] if three else []))))


def fraction():
    """The shipped 64-run fraction of the standard bag."""
    rows = []
    for a, b, c, d, e, f in itertools.product((0, 1), repeat=6):
        two = [e, b ^ d ^ e, a ^ c ^ e, a ^ b ^ c ^ d ^ e, f, b ^ d ^ f, a ^ c ^ f,
               a ^ b ^ c ^ d ^ f]  # fmt: skip
        rows.append([*two, 0 if d == 0 else 1 + c])
    return np.array(rows)


def main_coverage(levels, studies, interacting, seed, sd=None, repeats=1):
    """Share of main-effect intervals that hold the true average over the design's runs."""
    rng = np.random.default_rng(seed)
    runs = np.repeat(levels, repeats, axis=0)
    start = group(runs, np.zeros(len(runs)))
    sizes = SIZES[-levels.shape[1] :]
    coding, design, _, _ = prepare(start, sizes)
    whole = _saturated(coding)
    X = whole.matrix(runs)
    contrasts = [coding.main_effect(i) for i in range(len(coding.mains))]
    hits = np.zeros(len(contrasts))
    for _ in range(studies):
        beta = np.zeros(whole.size)
        beta[1 : 1 + len(coding.mains)] = rng.normal(0, 0.5, len(coding.mains))
        if interacting:
            beta[1 + len(coding.mains) :] = rng.normal(0, 0.2, len(whole.pairs))
        noise = 0.5 if sd is None else np.repeat(sd, repeats)
        cells = group(runs, X @ beta + noise * rng.standard_normal(len(runs)))
        fitted = fit(design, cells)
        for i, contrast in enumerate(contrasts):
            low, high = fitted.estimate(contrast).interval()
            hits[i] += low <= beta[1 + i] * coding.mains[i].span <= high
    return hits.mean() / studies


def _saturated(coding):
    from runner.analysis.model.coding import all_pairs

    return Coding(coding.mains, all_pairs(coding.mains))


@pytest.mark.parametrize("interacting", [False, True])
def test_main_effects_of_the_fraction(interacting):
    assert 0.93 <= main_coverage(fraction(), 300, interacting, 1) <= 0.97


@pytest.mark.parametrize("interacting", [False, True])
def test_main_effects_of_a_full_grid(interacting):
    assert 0.93 <= main_coverage(full(5, False), 400, interacting, 2) <= 0.97


def test_main_effects_with_replicates_and_unequal_noise():
    levels = full(3, True)
    sd = np.random.default_rng(3).uniform(0.35, 5.4, len(levels))
    assert 0.93 <= main_coverage(levels, 400, True, 3, sd, repeats=3) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("interacting", [False, True])
@pytest.mark.parametrize(
    ("name", "repeats", "unequal"),
    [("fraction", 1, False), ("fraction", 1, True), ("fraction", 2, True), ("fraction", 3, False),
     ("full", 1, False), ("full", 1, True), ("2^5", 1, False), ("2^5", 8, True)],
)  # fmt: skip
def test_main_effects_in_two_thousand_studies(name, repeats, unequal, interacting):
    levels = {"fraction": fraction, "full": full, "2^5": lambda: full(5, False)}[name]()
    sd = np.random.default_rng(4).uniform(0.35, 5.4, len(levels)) if unequal else None
    assert 0.93 <= main_coverage(levels, 2000, interacting, 5, sd, repeats) <= 0.97


def add_one_coverage(seeds, arms, studies, unequal, rng_seed):
    """Share of studies in which all simultaneous intervals hold, and of single 95 % intervals."""
    rng = np.random.default_rng(rng_seed)
    levels = np.arange(arms + 1)[:, None]
    together = alone = 0.0
    for _ in range(studies):
        sd = rng.uniform(0.35, 5.4, arms + 1) if unequal else np.full(arms + 1, 0.5)
        y = sd[:, None] * rng.standard_normal((arms + 1, seeds))
        mean = y.mean(axis=1)
        squares = ((y - mean[:, None]) ** 2).sum(axis=1)
        cells = Cells(levels, np.full(arms + 1, seeds), mean, squares)
        estimates = [welch(cells, i, 0) for i in range(1, arms + 1)]
        held = [_holds(e, arms) for e in estimates]
        together += all(held)
        alone += np.mean([_holds(e, 1) for e in estimates])
    return together / studies, alone / studies


def _holds(estimate: Estimate, tests):
    low, high = estimate.interval(0.95, tests)
    return low <= 0 <= high


@pytest.mark.parametrize("unequal", [False, True])
def test_add_one(unequal):
    together, alone = add_one_coverage(10, 10, 400, unequal, 6)
    assert together >= 0.93
    assert 0.93 <= alone <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_add_one_in_two_thousand_studies(seeds, unequal):
    together, alone = add_one_coverage(seeds, 10, 2000, unequal, 7)
    assert together >= 0.94  # Šidák's level with a shared baseline errs on the wide side
    assert 0.93 <= alone <= 0.975


def test_standard_errors_of_the_fraction_are_those_of_the_design():
    rng = np.random.default_rng(8)
    errors, halves = [], []
    for _ in range(100):
        fitted = factorial(group(fraction(), rng.normal(size=64)), SIZES)
        assert fitted.fit.df == 30 - len(fitted.fit.large.members)
        for i in range(8):
            estimate = fitted.fit.estimate(fitted.coding.main_effect(i))
            low, high = estimate.interval()
            errors.append(estimate.se / fitted.fit.sigma)
            halves.append((high - low) / 2 / fitted.fit.sigma)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(0.25, rel=0.02)
    assert np.mean(halves) == pytest.approx(0.51, rel=0.03)


def test_alias_sets_of_the_fraction():
    levels = fraction()
    coding, design, _, _ = prepare(group(levels, np.zeros(64)), SIZES)
    sets = {tuple(s) for s in alias_sets(coding, design)}
    assert sorted(map(len, sets)) == [1] * 16 + [4] * 7


def test_a_fraction_that_lost_runs_keeps_its_interactions():
    levels = np.delete(fraction(), [5, 37], axis=0)
    found = factorial(group(levels, np.random.default_rng(9).normal(size=62)), SIZES)
    assert found.interactions
    assert all(found.fit.estimate(found.coding.main_effect(i)).se for i in range(10))

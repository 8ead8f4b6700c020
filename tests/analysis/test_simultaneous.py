"""Comparisons with one arm: they agree with SciPy's Dunnett, and hold all at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from runner.analysis.analyze import analyze
from runner.analysis.comparisons.dunnett import ManyToOne
from runner.analysis.comparisons.simultaneous import by_dunnett, by_sidak
from runner.analysis.comparisons.welch import welch
from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.experiment import Experiment


@pytest.mark.parametrize(("arms", "seeds", "control"), [(3, 3, 5), (10, 3, 9), (6, 10, 10)])
def test_equal_noise_is_scipys_dunnett(arms, seeds, control):
    rng = np.random.default_rng(arms)
    values = {f"t{i}": rng.normal(90 + 0.7 * i, 1, seeds) for i in range(arms)}
    zero = rng.normal(90, 1, control)
    names = list(values)
    rows = [{**dict.fromkeys(names, "off"), "accuracy": y} for y in zero]
    rows += [{**dict.fromkeys(names, "off"), name: "on", "accuracy": y}
             for name, ys in values.items() for y in ys]  # fmt: skip
    factors = dict.fromkeys(names, ("off", "on"))
    analysis = analyze(Experiment(pd.DataFrame(rows), factors, "add-one", noise="equal"))
    reference = stats.dunnett(*values.values(), control=zero, rng=np.random.default_rng(0))
    correlation = np.full((arms, arms), seeds / (control + seeds)) + np.eye(arms) * (
        1 - seeds / (control + seeds)
    )
    free = arms * seeds + control - arms - 1
    joint = stats.multivariate_t(shape=correlation, df=free, seed=0)
    for i, effect in enumerate(analysis.effects):
        assert effect.p_adjusted == pytest.approx(reference.pvalue[i], abs=5e-4)
        low, high = effect.interval
        bound = np.full(arms, (high - low) / 2 / effect.estimate.se)
        assert joint.cdf(bound, lower_limit=-bound) == pytest.approx(0.95, abs=1e-3)
        assert effect.estimate.df == free


def test_two_comparisons_by_hand():
    # ρ = 0: independent, so P(both below q) is the square of one's; df infinite.
    joint = ManyToOne(np.zeros(2), np.full(2, 1e7))
    assert joint.exceeds(np.array([1.96, 1.0])) == pytest.approx(
        [1 - 0.95**2, 1 - (2 * stats.norm.cdf(1) - 1) ** 2], abs=2e-4
    )
    # ρ = 1: the comparisons are one and the same.
    assert ManyToOne(np.ones(2), np.full(2, 20.0)).critical(0.95) == pytest.approx(
        stats.t.isf(0.025, 20), rel=0.02
    )


def family(arms, seeds, control, noise, unequal, studies, seed):
    """Family-wise error and simultaneous coverage under the complete null hypothesis."""
    rng = np.random.default_rng(seed)
    count = np.array([control] + [seeds] * arms)
    levels = np.arange(arms + 1)[:, None]
    wrong = held = 0
    for _ in range(studies):
        sd = rng.uniform(0.35, 5.4, arms + 1) if unequal else np.ones(arms + 1)
        squares = sd**2 * rng.chisquare(count - 1)
        cells = Cells(levels, count, rng.normal(0, sd / np.sqrt(count)), squares)
        estimates = [welch(cells, i, 0, noise) for i in range(1, arms + 1)]
        found = by_dunnett(estimates, cells, range(1, arms + 1), 0, 0.05, noise)
        wrong += min(found.p) < 0.05
        held += all(low <= 0 <= high for low, high in found.outer)
    return wrong / studies, held / studies


CASES = [  # arms, seeds, control's seeds, noise, unequal
    (10, 3, 3, "own", True), (10, 3, 9, "own", False), (10, 3, 9, "own", True),
    (5, 10, 22, "own", True), (10, 5, 16, "equal", False),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_family_wise_error(case):
    wrong, held = family(*case, 200, seed=1)
    assert wrong <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 200)
    assert wrong == pytest.approx(1 - held, abs=0.01)  # p and intervals agree


@pytest.mark.slow
@pytest.mark.parametrize("case", [*CASES, (3, 3, 5, "own", True), (10, 3, 3, "own", False),
                                  (10, 5, 5, "own", True), (10, 5, 16, "own", True),
                                  (10, 10, 10, "own", True), (10, 10, 32, "own", False),
                                  (10, 3, 3, "equal", False)])  # fmt: skip
def test_family_wise_error_in_two_thousand_studies(case):
    wrong, held = family(*case, 2000, seed=2)
    assert wrong <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 2000)
    assert held >= 0.94


def test_few_runs_of_unequal_noise_take_sidaks_level():
    cells = Cells(np.arange(3)[:, None], np.array([3, 3, 3]), np.arange(3.0), np.ones(3))
    estimates = [welch(cells, i, 0) for i in (1, 2)]
    found = by_dunnett(estimates, cells, [1, 2], 0, 0.05, "own")
    assert found.p == by_sidak(estimates, 0.05).p
    assert "fewer than 10 runs" in found.how


def test_an_arm_that_agrees_by_luck_does_not_take_the_controls_df():
    cells = Cells(np.arange(2)[:, None], np.array([9, 3]), np.zeros(2), np.array([8.0, 1e-6]))
    equal = (1 / 9 + 1 / 3) ** 2 / (1 / 9**2 / 8 + 1 / 3**2 / 2)
    assert welch(cells, 1, 0).df == pytest.approx(equal)

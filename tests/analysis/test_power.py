"""Power: against the figures of the plan, and against simulated studies of known truth."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from runner.analysis.data.estimates import Estimate, critical
from runner.analysis.power import detectable, family, half_width, more_runs, upper_sd

RNG = np.random.default_rng(7)


def simulated(effect, se, df, size=200_000):
    """Estimates and their standard errors."""
    s = se * np.sqrt(RNG.chisquare(df, size) / df)
    return RNG.normal(effect, se, size), s


def test_known_values():
    # (1.96 + 0.84) σ / √... of the normal; t with 30 df by hand: 2.042 + 0.854.
    assert detectable(1, math.inf) == pytest.approx(1.960 + 0.842, abs=1e-3)
    assert detectable(0.25, 30) == pytest.approx(0.25 * (2.042 + 0.854), abs=2e-3)
    assert half_width(0.25, 30) == pytest.approx(0.51, abs=1e-3)
    assert half_width(1.0, 2, tests=1) == pytest.approx(4.303, abs=1e-3)
    assert family(0.05, 1) == 0.05
    assert 1 - (1 - family(0.05, 12)) ** 12 == pytest.approx(0.05)


@pytest.mark.parametrize("df", [2, 3, 8, 30])
@pytest.mark.parametrize("tests", [1, 12])
def test_the_detectable_effect_is_seen_as_often_as_promised(df, tests):
    effect = detectable(1.0, df, 0.8, 0.05, tests)
    estimate, s = simulated(effect, 1.0, df)
    seen = (np.abs(estimate) > critical(df, family(0.05, tests)) * s).mean()
    assert seen == pytest.approx(0.8, abs=0.005)


@given(
    df=st.floats(1, 1e4),
    tests=st.integers(1, 50),
    power=st.floats(0.1, 0.95),
    factor=st.floats(0.1, 10),
)
@settings(max_examples=60, deadline=None)
def test_more_noise_more_power_and_more_tests_cost(df, tests, power, factor):
    at = detectable(1.0, df, power, 0.05, tests)
    assert detectable(factor, df, power, 0.05, tests) == pytest.approx(factor * at)
    assert detectable(1.0, df, power + 0.04, 0.05, tests) > at
    assert detectable(1.0, df, power, 0.05, tests + 1) > at


def test_without_an_error_there_is_no_number():
    assert detectable(None, 3) is None
    assert detectable(1.0, None) is None
    assert detectable(1.0, 0) is None
    assert half_width(1.0, 0) is None


def test_half_widths_of_one_at_a_time_and_factorial_studies():
    """Runs until 12 main effects are known to ±0.2 pp, σ 0.3, 95 % each, sds pooled."""
    sigma, k = 0.3, 12

    def add_one(n, control):
        se = sigma * math.sqrt(1 / n + 1 / control)
        return half_width(se, k * (n - 1) + control - 1)

    equal = next(n for n in range(2, 99) if add_one(n, n) <= 0.2)
    assert (k + 1) * equal == 234
    # √k times the runs for the control, as if runs could be divided: 175; in whole runs 176.
    root = math.sqrt(k)
    shared = next(
        n
        for n in range(k + 2, 400)
        if half_width(sigma * math.sqrt((1 + 1 / root) * (k + root) / n), n - k - 1) <= 0.2
    )
    assert shared == 175
    best = min(k * n + c for n in range(2, 40) for c in range(2, 90) if add_one(n, c) <= 0.2)
    assert best == 176
    # Orthogonal main effects alone, 13 coefficients.
    factorial = next(
        n for n in range(14, 99) if half_width(2 * sigma / math.sqrt(n), n - k - 1) <= 0.2
    )
    assert factorial == 39


@pytest.mark.parametrize("df", [2, 4, 20])
def test_four_of_five_pilots_have_their_bound_above_the_truth(df):
    sd = np.sqrt(RNG.chisquare(df, 100_000) / df)
    assert (upper_sd(1.0, df) * sd > 1).mean() == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize(("effect", "margin", "to"), [
    (0.5, None, "effect"), (-0.5, 0.2, "effect"), (0.15, 0.2, "effect"),
    (0.05, 0.2, "negligible"), (0.0, 0.2, "negligible"),
])  # fmt: skip
@pytest.mark.parametrize("tests", [1, 10])
def test_that_many_runs_decide_as_often_as_promised(effect, margin, to, tests):
    se, df, runs = 0.15 if margin else 0.4, 6, 12
    found = more_runs(Estimate(effect, se, df), runs, margin, tests=tests)
    if found.runs == 0:
        assert abs(effect) > critical(df, family(0.05, tests)) * se
        return
    assert found.to == to
    times = 1 + found.runs / runs
    df += found.runs
    estimate, s = simulated(effect, se / math.sqrt(times), df)
    if to == "effect":
        decided = np.abs(estimate) > critical(df, family(0.05, tests)) * s
    else:
        decided = np.abs(estimate) + critical(df, family(0.10, tests)) * s < margin
    assert decided.mean() == pytest.approx(0.8, abs=0.02)  # whole runs: a little above


def test_near_zero_there_is_a_bound_and_no_number():
    found = more_runs(Estimate(1e-6, 0.4, 30), 64)
    assert found.runs is None
    assert "100 times" in found.reason


@pytest.mark.parametrize(("arguments", "said"), [
    ((None, None, None), "not known"), ((0.3, None, None), "no error degrees of freedom"),
    ((0.3, 0.1, 0), "no error degrees of freedom"),
])  # fmt: skip
def test_what_is_not_known_is_said(arguments, said):
    found = more_runs(Estimate(*arguments), 10)
    assert found.runs is None
    assert said in found.reason


def test_what_is_decided_needs_no_more():
    assert more_runs(Estimate(1.0, 0.1, 30), 64).runs == 0
    assert more_runs(Estimate(0.0, 0.01, 30), 64, margin=0.2).to == "negligible"


@given(effect=st.floats(-1, 1), se=st.floats(0.05, 1), df=st.integers(1, 200))
@settings(max_examples=60, deadline=None)
def test_a_margin_only_ever_saves_runs(effect, se, df):
    known = Estimate(effect, se, df)
    without, with_ = more_runs(known, 20), more_runs(known, 20, margin=0.3)
    if without.runs is not None:
        assert with_.runs is not None
        assert with_.runs <= without.runs
    for found in (without, with_):
        assert (found.runs is None) == (found.reason is not None)


def test_the_noncentral_t_agrees_with_scipys():
    bound = critical(5, 0.01)
    at = detectable(1.0, 5, 0.9, 0.01)
    assert float(stats.nct.sf(bound, 5, at)) == pytest.approx(0.9, abs=1e-5)


@given(st.floats(0.001, 60), st.floats(1, 5000), st.floats(1.5, 12))
def test_the_chance_is_a_number_everywhere(shift, df, bound):
    from runner.analysis.power import _exceeds

    assert 0 <= _exceeds(shift, df, bound) <= 1 + 1e-9


def test_where_the_series_gives_up_the_approximation_stands_in(monkeypatch):
    from runner.analysis import power

    exact = [power._exceeds(x, 40, 2.0) for x in (0.5, 2.0, 3.5)]
    monkeypatch.setattr(power.special, "nctdtr", lambda *_: float("nan"))
    assert [power._exceeds(x, 40, 2.0) for x in (0.5, 2.0, 3.5)] == pytest.approx(exact, abs=0.005)

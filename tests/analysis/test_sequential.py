"""The level of planned looks, against simulated studies whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.operating_characteristics import LOOKS, looks_row
from runner.analysis.data.estimates import Estimate
from runner.analysis.effects import Effect
from runner.analysis.power import MoreRuns
from runner.analysis.sequential import describe, look_level, open_effects, seeds_wanted
from tests.analysis.error_rates import bound

EVENLY = [(k + 1) / 4 for k in range(4)]


@pytest.mark.parametrize(("looks", "z"), [(2, 2.178), (4, 2.361), (5, 2.413), (8, 2.512)])
def test_known_noise_gives_pococks_boundary(looks, z):
    """Jennison and Turnbull 2000, table 2.1."""
    level = look_level([(k + 1) / looks for k in range(looks)], [1e6] * looks)
    assert stats.norm.isf(level / 2) == pytest.approx(z, abs=0.012)


@settings(max_examples=8, deadline=None)
@given(
    looks=st.integers(1, 5), first=st.floats(1, 30), more=st.floats(0, 30), tests=st.integers(1, 12)
)
def test_the_level_lies_between_bonferronis_and_that_of_one_look(looks, first, more, tests):
    df = [first + more * k for k in range(looks)]
    level = look_level([(k + 1) / looks for k in range(looks)], df, tests)
    assert 0.05 / looks - 1e-12 <= level <= 0.05
    assert level <= look_level([(k + 1) / looks for k in range(looks)], df) * 1.05


def add_one(rng, studies, seeds, tricks, sd=1.0, shift=0.0):
    """Welch's t and df of every trick against one baseline at every look.

    seeds: at each look. Gives two arrays (studies, looks, tricks).
    """
    y = sd * rng.standard_normal((studies, seeds[-1], 1 + tricks))
    y[:, :, 1:] += shift
    t, df = [], []
    for n in seeds:
        mean, part = y[:, :n].mean(axis=1), y[:, :n].var(axis=1, ddof=1) / n
        square = part[:, 1:] + part[:, :1]
        t.append((mean[:, 1:] - mean[:, :1]) / np.sqrt(square))
        df.append(square**2 / ((part[:, 1:] ** 2 + part[:, :1] ** 2) / (n - 1)))
    return np.stack(t, axis=1), np.stack(df, axis=1)


def test_naive_peeking_is_wrong_far_too_often_and_planned_looks_are_not():
    seeds = [5 * k for k in range(1, 9)]
    t, df = add_one(np.random.default_rng(1), 20_000, seeds, 1)
    p = 2 * stats.t.sf(np.abs(t), df)[:, :, 0]
    level = look_level([n / 40 for n in seeds], [n - 1 for n in seeds])
    assert 0.15 < (p < 0.05).any(axis=1).mean() < 0.19
    assert 0.045 < (p < level).any(axis=1).mean() < 0.055
    assert (p < level).mean() == pytest.approx(level, rel=0.1), "each look has its own level"


@pytest.mark.parametrize("seeds", [(2, 3, 4), (5, 10, 15, 20)])
def test_ten_tricks_against_one_baseline_share_five_per_cent(seeds):
    t, df = add_one(np.random.default_rng(2), 10_000, seeds, 10)
    smallest = (2 * stats.t.sf(np.abs(t), df)).min(axis=2)
    level = look_level([n / seeds[-1] for n in seeds], [n - 1 for n in seeds], tests=10)
    together = -np.expm1(10 * np.log1p(-smallest))  # Šidák; Holm's first step is stricter
    assert (together < level).any(axis=1).mean() < 0.054


def test_negligible_at_the_margin_is_said_in_five_per_cent_of_studies():
    """Two one-sided tests at every look of an effect that is as large as the margin."""
    seeds, margin, sd = (5, 10, 15, 20), 0.2, 0.15
    t, df = add_one(np.random.default_rng(3), 20_000, seeds, 1, sd, shift=margin)
    centred, _ = add_one(np.random.default_rng(3), 20_000, seeds, 1, sd)
    se = margin / (t - centred)
    level = look_level(EVENLY, [n - 1 for n in seeds])
    half = stats.t.isf(level, df) * se
    inside = (np.abs(t * se) + half < margin).any(axis=(1, 2)).mean()
    assert 0.035 < inside < 0.052


def test_a_test_metric_stopped_by_a_correlated_one_needs_the_level_too():
    """Validation decides when to stop; then test is read, with an error correlated 0.9."""
    rng = np.random.default_rng(4)
    seeds = [5 * k for k in range(1, 9)]
    common, own = rng.standard_normal((2, 20_000, 40)) * np.array([0.9, 0.19])[:, None, None] ** 0.5
    validation = common + np.sqrt(0.1 / 0.19) * own
    test = common + np.sqrt(0.1) * rng.standard_normal(own.shape)
    level = look_level([n / 40 for n in seeds], [n - 1 for n in seeds])
    p = []
    for y in (validation, test):
        z = np.stack([y[:, :n].mean(1) / y[:, :n].std(1, ddof=1) * np.sqrt(n) for n in seeds], 1)
        p.append(2 * stats.t.sf(np.abs(z), [n - 1 for n in seeds]))
    decided = p[0] < level
    stop = np.where(decided.any(axis=1), decided.argmax(axis=1), len(seeds) - 1)
    read = np.take_along_axis(p[1], stop[:, None], axis=1)[:, 0]
    assert (read < 0.05).mean() > 0.065, "a plain 95 % interval would be wrong too often"
    assert (read < level).mean() < 0.05


def effect(value, low, high, verdict="undecided", more=None, factor="x"):
    interval = None if low is None else (low, high)
    to_decide = MoreRuns(more) if verdict == "undecided" else None
    return Effect(
        factor, "on", "off", Estimate(value), None, verdict, 10,
        simultaneous=2, ci_together=interval, to_decide=to_decide,
    )  # fmt: skip


def test_what_is_open_and_what_would_close_it():
    decided = effect(2.0, 1.0, 3.0, "helps")
    lost, blind = effect(None, None, None), effect(0.3, None, None)
    wide = effect(0.5, -0.5, 1.5, more=30)
    said = [decided, lost, wide]
    assert open_effects(said) == [wide]
    # 30 more runs than the 10 of today: four times the seeds.
    assert seeds_wanted(said, 5) == pytest.approx(20)
    assert open_effects(said, half_width=1.0) == []
    assert seeds_wanted(said, 5, half_width=0.25) == pytest.approx(80)
    assert seeds_wanted([decided], 5) is None
    assert seeds_wanted([blind, wide], 5) is None
    # At the edge, or without a number: a seed more at least.
    edge = [effect(0.5, 0.1, 0.9)]
    assert seeds_wanted(edge, 9) == 10
    # A placebo will never be decided; its interval becomes as short as the others'.
    placebo = [effect(0.5, -0.5, 1.5, factor="placebo")]
    assert open_effects(placebo) == []
    assert len(open_effects(placebo, half_width=0.5)) == 1


def test_the_level_is_said_in_words():
    assert describe((5, 10, 15), 0.0189) == (
        "95 % over 3 planned looks (at 5, 10 and 15 seeds): each at 98.11 %"
    )


@pytest.mark.parametrize("grid", ["add-one", "fraction"])
def test_whole_studies_are_rarely_wrong(grid):
    row = looks_row(grid, "constant", 80)
    assert row.family <= bound(80)


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["constant", "digits"])
@pytest.mark.parametrize("grid", LOOKS)
def test_two_thousand_whole_studies_are_wrong_in_five_per_cent(grid, noise):
    """Tricks that do nothing, four looks: ever helps or hurts; at the margin: ever negligible.

    0.05 and 2.5 sd of 2,000; the worst of five effects at the margin.
    """
    row = looks_row(grid, noise, 2000)
    assert row.family <= 0.062
    assert row.negligible <= 0.066

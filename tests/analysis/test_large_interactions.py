"""Interactions that are taken out of the error since they stand out of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from benchmarks import operating_characteristics as oc
from benchmarks.simulation import layout, prepared, tables
from runner.analysis.analyze import analyze
from runner.analysis.data.arm_statistics import group
from runner.analysis.model.factorial import factorial
from runner.analysis.model.large_interactions import Beyond, standing_out
from runner.analysis.model.model_notes import error_text
from tests.analysis.made_runs import by_label, experiment, grid, two_level

SIX = (2,) * 6


def signs(on, names):
    return np.prod([2 * on[x] - 1 for x in names])


@pytest.mark.parametrize("design", ["screen", "fraction", "exchange"])
def test_noise_hardly_ever_stands_out(design):
    if design == "exchange":
        runs = oc.FACTORIALS["exchange 32, forbidden arms"][1](False)
    else:
        runs = layout(design, SIX, runs=32 if design == "fraction" else None)
    known = prepared(runs)
    y = np.random.default_rng(0).normal(80, 2, (1000, len(runs.levels)))
    taken = [known.fitted(cells).fit.large.members for cells in tables(runs.levels, y)]
    assert np.mean([bool(x) for x in taken]) <= 0.01


def test_interactions_of_three_are_looked_for_where_those_of_two_are_real():
    def sigma(two):
        def y(on):
            return 80 + two * signs(on, "ab") + 8 * signs(on, "bcd")

        return analyze(grid("abcdef", y, sd=1)).sigma

    assert sigma(0) > 5
    assert sigma(12) == pytest.approx(1, abs=0.3)


def half(three, sd=1):
    """Half of a grid of seven factors, where not all of three can be left out of the error."""
    rng = np.random.default_rng(0)
    rows = []
    for bits in itertools.product((0, 1), repeat=6):
        on = dict(zip("abcdefg", (*bits, sum(bits) % 2), strict=True))
        y = 80 + 2 * on["a"] + 12 * signs(on, "ab") + three * signs(on, "bcd")
        row = {n: ("off", "on")[x] for n, x in on.items()}
        rows.append({**row, "accuracy": y + sd * rng.standard_normal()})
    return analyze(experiment(rows, two_level("abcdefg"), "fraction"))


def test_a_large_interaction_is_named_and_the_error_is_the_noise():
    answer, plain = half(8), half(0)
    assert any("stand out of the error: b × c × d." in note for note in answer.notes)
    assert "three factors that stand out of it (1 df)" in answer.error_term
    assert answer.sigma == pytest.approx(1, abs=0.3)
    effect = by_label(answer)["a"].estimate
    assert effect.se == pytest.approx(2 / 8, rel=0.3)
    assert effect.value == pytest.approx(by_label(plain)["a"].estimate.value)


def test_a_large_grid_leaves_all_interactions_of_three_out_of_the_error():
    found = grid("abcdef", lambda on: 80 + 12 * signs(on, "ab") + 8 * signs(on, "bcd"), sd=1)
    answer = analyze(found)
    assert "without all 20 visible interactions of three factors" in answer.error_term
    assert answer.df == 64 - 1 - 6 - 15 - 20
    assert by_label(answer)["a"].estimate.se == pytest.approx(2 / 8, rel=0.3)


def test_two_large_ones_do_not_hide_each_other():
    rng = np.random.default_rng(0)
    units = np.linalg.qr(rng.standard_normal((40, 20)))[0]
    of = Beyond(units, [[(k,)] for k in range(20)], 3, np.ones(20), np.zeros((1, 20)))
    none = np.zeros((40, 1)), np.zeros((1, 1))  # a model
    residual = 9 * units[:, 3] - 9 * units[:, 7] + units @ rng.normal(0, 0.5, 20)
    count = np.ones(40, dtype=int)
    found = standing_out(of, *none, residual, count, 20, 10)
    assert sorted(x for ((x,),) in found.members) == [3, 7]
    assert found.columns.T @ found.columns == pytest.approx(np.eye(2))
    first = (units.T @ residual) ** 2
    assert sum(found.squares) == pytest.approx(first[[3, 7]].sum())


def test_a_bad_run_is_no_interaction():
    """Of which seven of fourteen directions once hid the noise of all others."""
    runs = oc.FACTORIALS["fraction 64"][1](False)
    known, of = prepared(runs), oc.populations("bag")["constant, interactions"]
    rng = np.random.default_rng(0)
    _, y = of.studies(rng, 300, runs.places())
    y[np.arange(300), rng.integers(0, 64, 300)] += 30 * 0.5
    taken = [len(known.fitted(cells).fit.large.members) for cells in tables(runs.levels, y)]
    assert np.mean(np.array(taken) > 3) <= 0.01


def test_effects_are_freed_of_an_interaction_that_lost_arms_mix_them_with():
    levels = np.delete(layout("full", SIX).levels, [3, 9, 20, 21, 33, 50], axis=0)
    on = 2 * levels - 1
    y = 80 + 40 * on[:, 4] * on[:, 5] + 20 * on[:, 1] * on[:, 2] * on[:, 3]
    y = y + np.random.default_rng(0).normal(0, 0.5, len(on))
    fitted = factorial(group(levels, y), list(SIX))
    mixed, freed = fitted.fit.extrapolating, fitted.fit
    effect = fitted.coding.main_effect(0)  # zero, whatever the others' shares
    assert abs(mixed.estimate(effect).value) > 1
    low, high = freed.estimate(effect).interval()
    assert low < 0 < high < low + 1


def test_averages_that_lost_arms_mix_with_all_interactions_keep_them_in_their_error():
    whole = layout("full", (2,) * 7).levels
    on = 2 * whole - 1
    y = 80 + 20 * on[:, 0] * on[:, 1] + 9 * on[:, 1] * on[:, 2] * on[:, 3]
    y = y + np.random.default_rng(0).normal(0, 1, len(on))
    kept = np.arange(len(on)) % 25 != 3
    for rows, alike in ((slice(None), False), (kept, True)):
        fitted = factorial(group(whole[rows], y[rows]), [2] * 7)
        assert fitted.fit.large.everything
        effect = fitted.coding.main_effect(4)
        own, plain = fitted.fit.estimate(effect), fitted.fit.extrapolating.estimate(effect)
        assert own.value == plain.value
        assert (own.se == plain.se) == alike
        assert (own.se < 0.5 * plain.se) != alike
        assert ("these arms mix" in error_text(fitted)) == alike


def test_effects_in_a_corner_keep_such_interactions_in_their_error():
    levels = layout("full", SIX).levels
    on = 2 * levels - 1
    rng = np.random.default_rng(0)
    y = 80 + 8 * on[:, 1] * on[:, 2] * (1 + on[:, 3]) + rng.normal(0, 1, len(on))
    fitted = factorial(group(levels, y), list(SIX))
    corner = fitted.coding.simple_effect(0, dict.fromkeys(range(1, 6), 0))
    inside, outside = (f.estimate(corner) for f in (fitted.fit, fitted.fit.extrapolating))
    assert outside.value == inside.value
    assert outside.se > 3 * inside.se
    assert fitted.fit.sigma < 1.5 < fitted.fit.extrapolating.sigma


def test_a_placebo_is_in_no_interaction():
    runs = layout("full", (2,) * 5, 1, placebo=True)
    beyond = prepared(runs).design.beyond
    assert beyond.members
    assert all(5 not in one for members in beyond.members for one in members)


def test_what_is_all_of_the_residual_says_nothing_of_noise():
    answer = half(8, sd=0)
    assert "without" not in answer.error_term
    assert by_label(answer)["a"].estimate.se > 1
    whole = analyze(grid("abcdef", lambda on: 80 + 12 * signs(on, "ab") + 8 * signs(on, "bcd")))
    assert "the runs fit the model exactly" in by_label(whole)["a"].estimate.reason


def test_effects_of_an_exchange_are_those_of_the_grid_without_forbidden_pairs():
    """One interaction of a factor of such a pair: the averages over the grid have some of it."""
    runs = oc.FACTORIALS["exchange 32, forbidden arms"][1](False)
    known, of = prepared(runs), oc.populations("nine")["constant"]
    on = 2 * of.grid - 1
    mean = 90 + 4.0 * on[:, 0] + 3.0 * on[:, 1] * on[:, 2]
    y = mean[runs.places()] + np.random.default_rng(0).normal(0, 0.2, (1, 32))
    fit = known.fitted(next(iter(tables(runs.levels, y)))).fit
    assert fit.large.members == [[(1, 2)]]
    contrasts = np.array([known.coding.main_effect(i) for i in range(9)])
    truth = contrasts @ known.truth(of) @ mean
    assert np.abs(truth[1:]).max() > 1, "x3 excludes x2, of which x1 × x2 is no average of zero"
    found = np.array([fit.estimate(c).value for c in contrasts])
    plain = np.array([fit.extrapolating.estimate(c).value for c in contrasts])
    assert np.abs(found - truth).max() < 0.3
    assert np.abs(plain - truth).max() > 1

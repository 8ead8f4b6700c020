"""Interactions that are taken out of the error since they stand out of it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.simulation import layout, prepared, tables
from runner.analysis.cells import group
from runner.analysis.factorial import factorial
from runner.analysis.standing_out import Beyond, standing_out
from tests.analysis.made_runs import by_label, grid

SIX = (2,) * 6


def signs(on, names):
    return np.prod([2 * on[x] - 1 for x in names])


@pytest.mark.parametrize("design", ["full", "screen", "fraction"])
def test_noise_hardly_ever_stands_out(design):
    runs = layout(design, SIX, runs=32 if design == "fraction" else None)
    known = prepared(runs)
    y = np.random.default_rng(0).normal(80, 2, (500, len(runs.levels)))
    taken = [known.fitted(cells).fit.apart.members for cells in tables(runs.levels, y)]
    # 1 % in each of the steps, of which most come only after a first.
    assert np.mean([bool(x) for x in taken]) <= 0.03


def test_a_large_interaction_is_named_and_the_error_is_the_noise():
    found = grid("abcdef", lambda on: 80 + 2 * on["a"] + 8 * signs(on, "bcd"), sd=1)
    answer = found.analyze()
    assert any("not in it: b × c × d." in note for note in answer.notes)
    assert "1 that stand out" in answer.error_term
    assert answer.sigma == pytest.approx(1, abs=0.3)
    effect = by_label(answer)["a"].estimate
    assert effect.se == pytest.approx(2 / 8, rel=0.3)
    plain = grid("abcdef", lambda on: 80 + 2 * on["a"], sd=1).analyze()
    assert effect.value == pytest.approx(by_label(plain)["a"].estimate.value)


def test_two_large_ones_do_not_hide_each_other():
    rng = np.random.default_rng(0)
    units = np.linalg.qr(rng.standard_normal((40, 20)))[0]
    of = Beyond(units, [[(k,)] for k in range(20)])
    residual = 9 * units[:, 3] - 9 * units[:, 7] + units @ rng.normal(0, 0.5, 20)
    count = np.ones(40, dtype=int)
    found = standing_out(of, residual, count, float(residual @ residual), 20, 10)
    assert sorted(x for ((x,),) in found.members) == [3, 7]
    assert found.columns.T @ found.columns == pytest.approx(np.eye(2))
    first = (units.T @ residual) ** 2
    assert sum(found.squares) == pytest.approx(first[[3, 7]].sum())


def test_effects_in_a_corner_keep_such_interactions_in_their_error():
    levels = layout("full", SIX).levels
    on = 2 * levels - 1
    rng = np.random.default_rng(0)
    y = 80 + 8 * on[:, 1] * on[:, 2] * on[:, 3] + rng.normal(0, 1, len(on))
    fitted = factorial(group(levels, y), list(SIX))
    corner = fitted.coding.simple_effect(0, dict.fromkeys(range(1, 6), 0))
    inside, outside = (f.estimate(corner) for f in (fitted.fit, fitted.fit.extrapolating()))
    assert outside.value == inside.value
    assert outside.se > 3 * inside.se
    assert fitted.fit.sigma < 1.5 < fitted.fit.extrapolating().sigma


def test_a_placebo_is_in_no_interaction():
    runs = layout("full", (2,) * 5, 1, placebo=True)
    beyond = prepared(runs).design.beyond
    assert beyond.members
    assert all(5 not in one for members in beyond.members for one in members)


def test_what_is_all_of_the_residual_says_nothing_of_noise():
    found = grid("abcdef", lambda on: 80 + 8 * signs(on, "bcd"))
    assert "stand out" not in found.analyze().error_term

"""The 64-run fraction: balance, resolution, and the degrees of freedom that it promises."""

import itertools
from collections import Counter

import numpy as np
import pytest

from runner.designs import registry as designs
from runner.designs.factor import standard_bag, trick_factors
from tricks import Recipe, parse

BASELINE = Recipe(optimizer=parse("sgd"), schedule=parse("step-decay"))
BAG = trick_factors(standard_bag(), BASELINE)
DESIGN = designs.make("fraction", BAG, BASELINE)
ARMS = np.array(list(DESIGN))
THREE = [len(factor.levels) for factor in BAG].index(3)


@pytest.fixture
def columns():
    """Two-level factors as ±1, and the optimizer as two centred columns, each (64,)."""
    two = {i: 1.0 - 2.0 * ARMS[:, i] for i in range(9) if i != THREE}
    three = [(ARMS[:, THREE] == level).astype(float) for level in (1, 2)]
    return two, [column - column.mean() for column in three]


def test_levels_are_balanced():
    assert Counter(ARMS[:, THREE].tolist()) == {0: 32, 1: 16, 2: 16}
    for i in range(9):
        if i != THREE:
            assert ARMS[:, i].sum() == 32


def test_any_two_factors_hold_every_combination_in_proportion():
    for i, j in itertools.combinations(range(9), 2):
        cells = Counter(map(tuple, ARMS[:, [i, j]].tolist()))
        for (a, b), count in cells.items():
            assert count == 64 * np.mean(ARMS[:, i] == a) * np.mean(ARMS[:, j] == b)
        assert len(cells) == len(BAG[i].levels) * len(BAG[j].levels)


def test_main_effects_are_clear_of_two_factor_interactions(columns):
    two, three = columns
    mains = [*two.values(), *three]
    interactions = [a * b for a, b in itertools.combinations(two.values(), 2)]
    interactions += [a * b for a in two.values() for b in three]
    assert np.abs(np.array(mains) @ np.array(interactions).T).max() < 1e-9
    assert np.abs(np.array(list(two.values())) @ np.array(three).T).max() < 1e-9


def test_thirty_degrees_of_freedom_are_left_for_error(columns):
    two, three = columns
    mains = [np.ones(64), *two.values(), *three]
    interactions = [a * b for a, b in itertools.combinations(two.values(), 2)]
    interactions += [a * b for a in two.values() for b in three]
    assert np.linalg.matrix_rank(np.array(mains)) == 11
    assert 64 - np.linalg.matrix_rank(np.array([*mains, *interactions])) == 30


def test_it_is_part_of_the_full_grid_and_holds_the_baseline():
    full = designs.make("full", BAG, BASELINE)
    assert set(map(tuple, ARMS.tolist())) <= set(full)
    assert (0,) * 9 in set(DESIGN)


def test_the_factor_of_three_levels_may_stand_anywhere():
    moved = [BAG[THREE], *BAG[:THREE], *BAG[THREE + 1 :]]
    arms = np.array(list(designs.make("fraction", moved, BASELINE)))
    assert Counter(arms[:, 0].tolist()) == {0: 32, 1: 16, 2: 16}


def test_sixteen_arms_stand_twice_with_seeds_of_their_own():
    times = Counter(map(tuple, ARMS.tolist()))
    assert Counter(times.values()) == {1: 32, 2: 16}
    assert all(arm[THREE] == 0 for arm, count in times.items() if count == 2)
    runs = list(DESIGN.runs(3))
    assert len(set(runs)) == len(runs) == 192
    assert set(DESIGN.runs(1)) < set(runs), "more seeds only add runs"
    assert {(arm, seed) for arm in times for seed in DESIGN.seeds(arm, 3)} == set(runs)

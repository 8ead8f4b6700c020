"""The exchange, and the fraction's other arrays: 48 runs, any factors, forbidden arms."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.designs import registry as designs
from runner.designs.conflicts import Conflicts
from runner.designs.exchange import covariance, efficiency, exchange, information
from runner.designs.factor import Factor, Level, standard_bag, trick_factors
from runner.designs.fraction import Fraction
from tests.designs.effects_matrix import effects, factors, strength, worst_alias
from tests.designs.test_conflicts import factors_with_conflicts
from tricks import BadInput, Recipe, parse

BASELINE = Recipe(optimizer=parse("sgd"), schedule=parse("step-decay"))
BAG = trick_factors(standard_bag(), BASELINE)
PLACEBO = Factor("placebo", (Level("off"), Level("on")), "trick")


def error_df(design):
    matrix = np.hstack([np.ones((design.count, 1)), *effects(design.array, design.sizes)])
    return design.count - np.linalg.matrix_rank(matrix)


@pytest.mark.parametrize("factors_", [BAG, [*BAG, PLACEBO], [PLACEBO, *reversed(BAG)], BAG[1:]])
def test_the_48_runs_have_strength_three(factors_):
    design = designs.make("fraction", factors_, BASELINE, runs=48)
    assert design.count == len(set(design)) == 48
    assert strength(design.array, design.sizes) == 3
    assert worst_alias(design.array, design.sizes) < 1e-12
    assert design.efficiency == pytest.approx(1)
    assert design.contains((0,) * len(factors_))


def test_the_48_runs_leave_two_degrees_of_freedom_and_say_so():
    design = designs.make("fraction", BAG, BASELINE, runs=48)
    assert error_df(design) == 2
    assert any("--seeds 2" in note for note in design.notes())
    assert not any("--seeds 2" in note for note in designs.make("fraction", BAG, BASELINE).notes())


def test_the_64_runs_carry_a_placebo_free():
    design = designs.make("fraction", [*BAG[:3], PLACEBO, *BAG[3:]], BASELINE)
    without = designs.make("fraction", BAG, BASELINE)
    assert [arm[:3] + arm[4:] for arm in design.array] == list(without.array)
    twice = {arm for arm in without if without.multiplicity(arm) == 2}
    assert len(twice) == 16, "each with the placebo and without: told within arms"
    both = {arm[:3] + arm[4:] for arm in design if arm[3]} & {
        arm[:3] + arm[4:] for arm in design if not arm[3]
    }
    assert both == twice


def test_twice_a_hadamard_matrix_is_folded():
    for count, runs in ((6, 24), (6, 32), (8, 64), (20, 40)):
        design = Fraction(factors(*[2] * count), asked_runs=runs)
        assert (design.kind, design.count) == ("folded", runs)
        assert strength(design.array, design.sizes) == 3
    assert error_df(Fraction(factors(*[2] * 6), asked_runs=32)) == 10, "resolution VI: 32 - 1 - 21"


@pytest.mark.parametrize(
    ("sizes", "runs"), [([2] * 3, 8), ([3] * 4, 27), ([2, 2, 3], 12), ([4, 2, 2, 2], 16)]
)
def test_the_exchange_finds_a_known_orthogonal_answer(sizes, runs):
    array = exchange(factors(*sizes), Conflicts(), runs)
    assert efficiency(array, sizes) == pytest.approx(1)


def test_it_is_better_than_chance_and_close_to_orthogonal():
    sizes = [2] * 8 + [3]
    array = exchange(factors(*sizes), Conflicts(), 32)
    source = random.Random(0)
    by_chance = [
        [tuple(source.randrange(size) for size in sizes) for _ in range(32)] for _ in range(50)
    ]
    found = efficiency(array, sizes)
    assert found > max(efficiency(arms, sizes) for arms in by_chance) + 0.05
    assert found > 0.95
    assert worst_alias(array, sizes) < min(worst_alias(arms, sizes) for arms in by_chance)


def test_efficiency_by_hand():
    half = [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert efficiency(half, [2, 2]) == pytest.approx(1)
    assert efficiency([(0, 0), (1, 1), (0, 0), (1, 1)], [2, 2]) == 0
    # X'X = [[4, -2], [-2, 4]] for one factor three times off: (12)^(1/2) / 4
    assert efficiency([(0,), (0,), (0,), (1,)], [2]) == pytest.approx(12**0.5 / 4)


def test_the_covariance_is_that_of_the_columns():
    """C = X K⁻¹ X' against X written out, for two-level factors."""
    arms = np.array(list(itertools.product(range(2), repeat=3)))
    main = 1.0 - 2 * arms
    pairs = np.stack([main[:, i] * main[:, j] for i, j in ((0, 1), (0, 2), (1, 2))], axis=1)
    x = np.hstack([np.ones((8, 1)), main])
    expected = 1e3 * x @ x.T + 0.25 * pairs @ pairs.T
    assert covariance(arms, arms, [2, 2, 2]) == pytest.approx(expected)
    assert information(arms, [2, 2, 2]) == pytest.approx(np.linalg.slogdet(np.eye(8) + expected)[1])


@given(factors_with_conflicts(), st.integers(0, 8))
@settings(max_examples=12, deadline=None)
def test_every_main_effect_can_be_estimated_from_possible_arms(both, more):
    chosen, conflicts = both
    sizes = [len(factor.levels) for factor in chosen]
    runs = 1 + sum(size - 1 for size in sizes) + more
    everything = list(itertools.product(*map(range, sizes)))
    allowed = [arm for arm in everything if conflicts.allows(arm)]
    possible = efficiency(allowed, sizes) > 0
    try:
        array = exchange(chosen, conflicts, runs)
    except BadInput:
        assert not possible
        return
    assert possible
    assert len(array) == runs
    assert all(map(conflicts.allows, array))
    assert efficiency(array, sizes) > 0
    assert array == exchange(chosen, conflicts, runs)
    with pytest.raises(BadInput, match=f"use at least {runs - more} "):
        exchange(chosen, conflicts, runs - more - 1)


def test_the_default_leaves_degrees_of_freedom_for_error():
    for sizes, runs in (([2] * 6, 24), ([2] * 12, 24), ([3, 3, 2, 2], 24), ([2] * 7 + [3], 64)):
        design = Fraction(factors(*sizes))
        assert design.count == runs
        assert runs - 1 - sum(size - 1 for size in sizes) >= 10


def test_a_fraction_is_less_than_everything():
    with pytest.raises(BadInput, match="use --grid full"):
        Fraction(factors(2, 2, 2)).check()
    with pytest.raises(BadInput, match="full grid of 768 arms: use --grid full"):
        designs.make("fraction", BAG, BASELINE, runs=768)


def test_arms_that_stand_twice_have_seeds_of_their_own():
    design = Fraction(factors(2, 2, 2, 2), Conflicts({(0, 1, 1, 1): "because"}), asked_runs=11)
    runs = list(design.runs(3))
    assert len(set(runs)) == len(runs) == 33
    assert {(a, s) for a in set(design) for s in design.seeds(a, 3)} == set(runs)
    assert any("exchange" in note for note in design.notes())


@pytest.mark.parametrize(("runs", "crowded"), [(13, True), (16, False)])
def test_arms_that_are_fewer_than_the_interactions_say_what_tells_them(runs, crowded):
    """The mean, five effects and ten interactions, without two forbidden ones: fourteen."""
    conflicts = Conflicts({(0, 1, 1, 1): "both on", (2, 1, 3, 1): "both on"})
    notes = Fraction(factors(*[2] * 5), conflicts, asked_runs=runs).notes()
    assert any("--seeds 2" in note for note in notes) == crowded

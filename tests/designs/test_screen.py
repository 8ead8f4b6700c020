"""The screen: Hadamard matrices, strength 3 of every shipped size, and impossible arms."""

import numpy as np
import pytest

from runner.designs import registry as designs
from runner.designs.factor import Factor, Level, split, standard_bag, trick_factors
from runner.designs.hadamard import folded, hadamard
from runner.designs.screen import Screen
from tests.designs.effects_matrix import effects, factors, strength, worst_alias
from tricks import Recipe, parse

BASELINE = Recipe(optimizer=parse("sgd"), schedule=parse("step-decay"))
# Plackett & Burman 1946: the first row of their cyclic arrays, without the constant.
PUBLISHED = {
    12: "++-+++---+-", 20: "++--++++-+-+----++-", 24: "+++++-+-++--++--+-+----",
}  # fmt: skip


@pytest.mark.parametrize("order", [1, 2, *range(4, 65, 4)])
def test_columns_of_a_hadamard_matrix_are_orthogonal(order):
    matrix = hadamard(order)
    if order == 52:
        assert matrix is None  # 51 and 25 are no primes
        return
    matrix = np.array(matrix)
    assert set(np.unique(matrix)) <= {-1, 1}
    assert (matrix.T @ matrix == order * np.eye(order)).all()
    assert (matrix[:, 0] == 1).all()


@pytest.mark.parametrize("order", [3, 5, 6, 9, 10, 14])
def test_there_is_none_of_other_orders(order):
    assert hadamard(order) is None


@pytest.mark.parametrize("order", PUBLISHED)
def test_rows_are_those_of_plackett_and_burman(order):
    """Up to the order of columns and the signs: cyclic shifts of the published row."""
    published = [1 if sign == "+" else -1 for sign in PUBLISHED[order]]
    ours = {tuple(row[1:]) for row in hadamard(order)}
    n = order - 1
    turned = {tuple(published[(j - i) % n] for j in range(n)) for i in range(n)}
    turned |= {(-1,) * n}
    flipped = {tuple(-x for x in row) for row in turned}
    backwards = [{row[::-1] for row in rows} for rows in (turned, flipped)]
    rotated = [
        {row[i:] + row[:i] for row in rows}
        for rows in (turned, flipped, *backwards) for i in range(n)
    ]  # fmt: skip
    assert ours in rotated


@pytest.mark.parametrize(
    ("count", "runs"),
    [(1, 24), (8, 24), (11, 24), (12, 24), (13, 32), (16, 32), (17, 40), (20, 40), (21, 48),
     (24, 48), (25, 56), (28, 56), (30, 64), (32, 64)],
)  # fmt: skip
def test_main_effects_are_clear_in_every_size(count, runs):
    design = Screen(factors(*[2] * count))
    assert design.count == runs
    assert strength(design.array, design.sizes) == 3 or count < 3
    assert worst_alias(design.array, design.sizes) < 1e-12
    assert design.efficiency == pytest.approx(1)
    assert design.contains((0,) * count)
    assert design.array == Screen(factors(*[2] * count)).array


def test_a_main_effect_is_estimated_without_bias_whatever_the_interactions():
    """By simulation: 12 factors, all 66 interactions large, no noise."""
    source = np.random.default_rng(0)
    design = Screen(factors(*[2] * 12))
    main, pairs = effects(design.array, design.sizes)
    truth = source.normal(size=12)
    for _ in range(20):
        y = main @ truth + pairs @ source.normal(size=66, scale=5) + 96
        found = np.linalg.lstsq(np.hstack([np.ones((24, 1)), main]), y)[0][1:]
        assert found == pytest.approx(truth)


def test_spare_columns_are_degrees_of_freedom_for_error():
    design = Screen(factors(*[2] * 8))
    matrix = np.hstack([np.ones((24, 1)), *effects(design.array, design.sizes)])
    assert 24 - np.linalg.matrix_rank(matrix) == 4


def test_a_group_has_two_levels_in_a_screen():
    bag = trick_factors(standard_bag(), BASELINE)
    design = designs.make("screen", bag, BASELINE, reference={"optimizer": "adamw"})
    assert design.count == 24
    optimizer = next(f for f in design.factors if f.name == "optimizer")
    assert [level.name for level in optimizer.levels] == ["sgd", "adamw"]


def test_impossible_arms_are_left_out_by_exchange():
    tricks = "warmup,mixup,cutmix,cosine,step-decay(gamma=0.5),label-smoothing,zero-gamma"
    chosen = trick_factors([parse(text) for text in split(tricks)], BASELINE)
    design = designs.make("screen", chosen, BASELINE)
    assert design.conflicts.reasons
    assert design.count == 24
    assert design.excluded == 0
    assert all(map(design.conflicts.allows, design.array))
    assert design.efficiency > 0.85
    assert any("both set schedule" in note for note in design.notes())


def test_no_two_level_array_of_strength_two_can_leave_out_a_pair():
    """This is why no other choice of columns is searched when arms are impossible."""
    for rows in (folded(8, 24), folded(12, 24), folded(16)):
        levels = np.array(rows)
        for i in range(levels.shape[1]):
            for j in range(i):
                assert len({tuple(pair) for pair in levels[:, [i, j]].tolist()}) == 4


def test_a_placebo_takes_a_column_that_is_left():
    placebo = Factor("placebo", (Level("off"), Level("on")), "trick")
    with_it = Screen([*factors(*[2] * 4), placebo, *factors(*[2] * 8)[4:]])
    assert with_it.count == 24
    without = [arm[:4] + arm[5:] for arm in with_it.array]
    assert tuple(without) == Screen(factors(*[2] * 8)).array
    assert strength(with_it.array, with_it.sizes) == 3


@pytest.mark.parametrize(("count", "said"), [(5, None), (7, None), (9, "3"), (11, None)])
def test_a_screen_that_leaves_few_degrees_of_freedom_says_so(count, said):
    """Seven factors leave five df; with eleven, the error has interactions and eleven df."""
    notes = designs.make("screen", factors(*[2] * count), BASELINE).notes()
    found = [note.split()[0] for note in notes if "degrees of freedom" in note]
    assert found == ([said] if said else [])

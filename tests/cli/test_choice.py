"""The choice of an arm's best value of a tuned field, by validation accuracy."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.studies.choice import Trial, choose

VALUES = ["0.25", "0.5", "1", "2", "4"]


def trials(scores, state="ok", chance=10.0):
    """Tuning runs: value -> its validation accuracies; None for a run that diverged."""
    return [
        Trial("tuning", ("off",), value, state if y is not None else "diverged", y, chance)
        for value, ys in scores.items() for y in ys
    ]  # fmt: skip


def chosen(scores, fixed="1", seeds=2):
    return choose(list(scores), fixed, seeds, trials(scores))


def test_the_best_mean_is_chosen():
    found = chosen({"0.5": [90, 94], "1": [95, 88], "2": [93, 92]})
    assert (found.best, found.edge, found.tied) == ("2", "highest", ())
    assert [score.mean for score in found.scores] == [92, 91.5, 92.5]


@pytest.mark.parametrize(
    ("best", "fixed", "expected"),
    [
        (["0.25", "2"], "1", "2"),  # nearer by ratio
        (["0.5", "2"], "1", "0.5"),  # as near: the first listed
        (["0.25", "4"], "2", "4"),
        (["0.25", "0.5"], "8", "0.5"),  # the fixed value need not be listed
        (VALUES, "1", "1"),
    ],
)
def test_ties_go_to_the_value_nearest_the_fixed_one(best, fixed, expected):
    # 0.1 + 0.2 and 0.3: equal means that differ in their last bits.
    tied = itertools.cycle(([0.1, 0.2], [0.2, 0.1], [0.15, 0.15]))
    found = chosen({v: next(tied) if v in best else [0.0, 0.1] for v in VALUES}, fixed)
    assert found.best == expected
    assert set(found.tied) == set(best) - {expected}


def test_a_value_of_zero_is_compared_by_distance():
    assert chosen({"0": [90, 90], "0.3": [90, 90]}, fixed="0.1").best == "0"


def test_edges_are_of_the_range_not_of_the_list():
    scores = {"2": [90, 90], "0.5": [80, 80], "4": [80, 80]}
    assert chosen(scores).edge is None
    assert chosen({**scores, "0.5": [99, 99]}).edge == "lowest"
    assert chosen({**scores, "4": [99, 99]}).edge == "highest"


def test_a_diverged_run_counts_as_chance():
    found = chosen({"1": [60, 60], "2": [None, 99]})
    assert (found.best, found.scores[1].mean, found.scores[1].diverged) == ("1", 54.5, 1)
    assert found.scores[1].scores == (99, 10)
    unknown = choose(["1"], "1", 1, trials({"1": [None]}, chance=None))
    assert unknown.scores[0].mean == 0


def test_no_choice_before_the_whole_budget_is_spent():
    for state in ("failed", "infra", None):
        rows = trials({"1": [90, 90], "2": [80]}) + trials({"2": [99]}, state)
        found = choose(["1", "2"], "1", 2, rows)
        assert (found.best, found.scores[1].missing, found.scores[1].mean) == (None, 1, None)
    assert choose(["1", "2"], "1", 2, []).best is None


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=5, max_size=5),
    st.randoms(use_true_random=False),
)
def test_a_choice_has_the_best_mean_whatever_the_order_of_runs(scores, random):
    held = dict(zip(VALUES, scores, strict=True))
    rows = trials(held)
    first = choose(VALUES, "1", 2, rows)
    random.shuffle(rows)
    again = choose(VALUES, "1", 2, rows)
    assert (again.best, again.tied, again.edge) == (first.best, first.tied, first.edge)
    assert sum(held[first.best]) == max(map(sum, scores))
    assert (first.edge is not None) == (first.best in ("0.25", "4"))

"""Comparisons of arms: add-one, leave-one-out, cumulative and pairs, against numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from runner.analysis.analyze import analyze
from runner.analysis.comparisons.welch import centre
from runner.analysis.data.arm_statistics import group
from runner.analysis.to_json import to_json
from tests.analysis.made_runs import by_label, experiment, two_level
from tricks.errors import BadInput


def test_add_one_is_welchs_test():
    y = {"off": [90.0, 91.0, 92.0], "on": [93.0, 95.0, 97.5]}
    rows = [{"a": k, "b": "off", "accuracy": v} for k, vs in y.items() for v in vs]
    rows += [{"a": "off", "b": "on", "accuracy": v} for v in (90.5, 91.0, 91.2)]
    a = analyze(experiment(rows, two_level("ab"), "add-one"))
    effect = by_label(a)["a"]
    reference = stats.ttest_ind(y["on"], y["off"], equal_var=False)
    assert effect.estimate.value == pytest.approx(np.mean(y["on"]) - 91)
    assert effect.estimate.p() == pytest.approx(reference.pvalue)
    assert effect.p_adjusted == pytest.approx(1 - (1 - reference.pvalue) ** 2)
    narrow = reference.confidence_interval(np.sqrt(0.95))
    assert effect.estimate.interval(0.95, 2) == pytest.approx((narrow.low, narrow.high))
    assert (a.layout, a.estimand) == ("one-at-a-time", "at the baseline")


def test_one_seed_has_no_interval_and_says_what_would_give_one():
    rows = [{"a": x, "b": y, "accuracy": v} for x, y, v in
            [("off", "off", 90), ("on", "off", 92), ("off", "on", 91)]]  # fmt: skip
    answer = to_json(analyze(experiment(rows, two_level("ab"), "add-one")))
    for effect in answer["effects"]:
        assert effect["effect"] is not None
        assert effect["ci_low"] is None
        assert effect["p_adjusted"] is None
        assert effect["verdict"] == "undecided"
        assert "seeds" in effect["reason"]
    assert answer["sigma"] is None
    assert answer["df"] is None
    assert any("--seeds" in note for note in answer["notes"])


def test_leave_one_out_gives_the_effect_of_having_the_trick():
    rows = [{"a": "on", "b": "on", "accuracy": v} for v in (95, 96, 97)]
    rows += [{"a": "off", "b": "on", "accuracy": v} for v in (91, 92, 93)]
    rows += [{"a": "on", "b": "off", "accuracy": v} for v in (95, 96.5, 97)]
    for name in ("leave-one-out", ""):
        a = analyze(experiment(rows, two_level("ab"), name))
        assert by_label(a)["a"].estimate.value == pytest.approx(4)
        assert by_label(a)["a"].verdict == "helps"
        assert a.estimand == "at the reference: a + b"


def test_leave_one_out_has_no_effects_at_the_baseline():
    rows = [{"a": x, "b": y, "accuracy": 90 + r} for x, y in
            (("on", "on"), ("off", "on"), ("on", "off")) for r in range(3)]  # fmt: skip
    with pytest.raises(BadInput, match="add-one"):
        analyze(experiment(rows, two_level("ab"), "leave-one-out"), estimand="baseline")


def test_cumulative_steps_are_neighbouring_differences():
    arms = [("off", "off", 90), ("on", "off", 92), ("on", "on", 91)]
    rows = [{"a": x, "b": y, "accuracy": v + d} for x, y, v in arms for d in (-0.5, 0, 0.5)]
    a = analyze(experiment(rows, two_level("ab"), "cumulative", order=("a", "b")))
    assert [e.estimate.value for e in a.effects] == pytest.approx([2, -1])
    assert any("order" in note for note in a.notes)


def test_a_step_that_only_diverged_keeps_its_row_and_the_next_ones():
    arms = [("off", "off", 90), ("on", "off", 92), ("on", "on", None)]
    rows = [{"a": x, "b": y, "state": "ok" if v else "diverged", "accuracy": v and v + d}
            for x, y, v in arms for d in (-0.5, 0, 0.5)]  # fmt: skip
    last = analyze(experiment(rows, two_level("ab"), "cumulative", order=("a", "b")))
    assert [e.label for e in last.effects] == ["a", "b"]
    assert last.effects[0].estimate.value == pytest.approx(2)
    assert "all 3 runs of the arm a + b diverged" in last.effects[1].estimate.reason
    # An arm that nobody has run yet is a row as well.
    begun = analyze(experiment(rows[:3], two_level("ab"), "cumulative", order=("a", "b")))
    assert [e.estimate.value for e in begun.effects] == [None, None]


def test_negligible_holds_for_all_effects_of_one_at_a_time_data():
    rng = np.random.default_rng(4)
    arms = [("off", "off"), ("on", "off"), ("off", "on")]
    rows = [{"a": x, "b": y, "accuracy": 90 + 0.1 * rng.standard_normal()}
            for x, y in arms for _ in range(20)]  # fmt: skip
    found = experiment(rows, two_level("ab"), "add-one")
    estimate = analyze(found).effects[0].estimate
    alone = max(map(abs, estimate.interval(0.9)))
    together = max(map(abs, estimate.interval(0.9, 2)))
    within = analyze(found, negligible=(alone + together) / 2).effects[0]
    assert within.verdict == "undecided"
    assert analyze(found, negligible=1.01 * together).effects[0].verdict == "negligible"


def test_pairs_give_the_difference_of_differences():
    means = {("off", "off"): 90, ("on", "off"): 92, ("off", "on"): 91, ("on", "on"): 90}
    rows = [{"a": x, "b": y, "accuracy": v + d} for (x, y), v in means.items() for d in (-1, 0, 1)]
    a = analyze(experiment(rows, two_level("ab"), "pairs"))
    estimate = a.interactions[0].estimate
    assert estimate.value == pytest.approx(90 - 92 - 91 + 90)
    assert estimate.se == pytest.approx(2 / np.sqrt(3))
    one_seed = [row for row in rows if row["accuracy"] == means[row["a"], row["b"]]]
    lone = analyze(experiment(one_seed, two_level("ab"), "pairs")).interactions[0].estimate
    assert (lone.value, lone.se) == (-3, None)
    assert "seeds" in str(lone.reason)


def test_one_arm_alone_says_what_is_missing():
    answer = analyze(experiment([{"a": "off", "accuracy": 90.0}], two_level("a"), "add-one"))
    effect = to_json(answer)["effects"][0]
    assert effect["effect"] is None
    assert "no usable run" in effect["reason"]


@pytest.mark.parametrize(("seeds", "noise", "said"), [(2, "own", True), (2, "equal", False),
                                                      (8, "own", False)])  # fmt: skip
def test_why_intervals_of_two_runs_an_arm_are_wide(seeds, noise, said):
    rng = np.random.default_rng(1)
    arms = [("off", "off"), ("on", "off"), ("off", "on")] * seeds
    rows = [{"a": a, "b": b, "accuracy": 90 + (9 if a == "on" else 1) * rng.standard_normal()}
            for a, b in arms]  # fmt: skip
    found = analyze(experiment(rows, two_level("ab"), "add-one", noise=noise))
    assert any("--noise equal" in note for note in found.notes) == said
    two_arms = [row for row in rows if row["b"] == "off"]  # the pooled sd has no more df there
    alone = analyze(experiment(two_arms, two_level("a"), "add-one", noise=noise))
    assert not any("--noise equal" in note for note in alone.notes)


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=6, unique=True))
def test_the_centre_is_one_change_away_from_every_arm(arms):
    """By its definition, tried on every arm in turn; the preferred one first."""
    cells = group(np.array(arms), np.zeros(len(arms)))
    zero = np.zeros(3, dtype=np.int64)
    fine = [c for c in [zero, *cells.levels] if (cells.levels != c).sum(axis=1).max() <= 1]
    found = centre(cells, zero)
    assert (found is None) == (not fine)
    assert found is None or (found == fine[0]).all()

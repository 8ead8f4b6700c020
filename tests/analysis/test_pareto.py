"""Accuracy against cost: the probability of being on the front."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.analysis.data.experiment import Experiment
from runner.analysis.pareto import on_front, pareto


def arms(means, seconds, seeds, rng, cost_sd=0.05):
    """Runs of one factor, a level for each mean."""
    rows = []
    for i, (m, t) in enumerate(zip(means, seconds, strict=True)):
        for s in range(seeds):
            cost = t * np.exp(cost_sd * rng.standard_normal())
            value = m + rng.standard_normal()
            rows.append({"a": str(i), "seed": s, "accuracy": value, "train_seconds": cost})
    return Experiment(pd.DataFrame(rows), {"a": tuple(str(i) for i in range(len(means)))})


def probabilities(found):
    return {arm.levels["a"]: arm.probability for arm in found.arms}


def test_two_identical_arms_win_half_of_the_time_each():
    rng = np.random.default_rng(0)
    known = [probabilities(pareto(arms([90, 90], [10, 10], 5, rng, 0), "accuracy", False))
             for _ in range(60)]  # fmt: skip
    assert np.mean([x["0"] for x in known]) == pytest.approx(0.5, abs=0.1)
    # At equal cost the front has one arm; with noise in the cost each is beaten in a quarter.
    assert all(x["0"] + x["1"] == pytest.approx(1) for x in known)
    known = [probabilities(pareto(arms([90, 90], [10, 10], 5, rng), "accuracy", False))["0"]
             for _ in range(60)]  # fmt: skip
    assert np.mean(known) == pytest.approx(0.75, abs=0.1)


def test_a_clear_front_is_seen_and_a_beaten_arm_is_not_on_it():
    rng = np.random.default_rng(1)
    found = pareto(arms([80, 90, 85], [10, 20, 40], 6, rng), "accuracy", False)
    known = probabilities(found)
    assert known["0"] > 0.99
    assert known["1"] > 0.99
    assert known["2"] < 0.01
    assert [arm.probability for arm in found.arms] == sorted(known.values(), reverse=True)


def test_a_loss_is_better_when_it_is_smaller():
    found = arms([80, 90], [10, 20], 6, np.random.default_rng(2))
    found.runs["loss"] = found.runs["accuracy"]
    assert probabilities(pareto(found, "loss", False))["1"] < 0.01


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12, unique=True)
)
def test_the_front_is_what_nothing_beats(points):
    good, cost = np.array(points, dtype=float).T
    front = on_front(good[None], cost[None])[0]
    for i, (g, c) in enumerate(points):
        beaten = any(b >= g and d <= c and (b, d) != (g, c) for b, d in points)
        assert front[i] == (not beaten)


def test_a_grid_without_replicates_borrows_from_its_model():
    rng = np.random.default_rng(3)
    rows = []
    for bits in itertools.product((0, 1), repeat=6):
        on = dict(zip("abcdef", bits, strict=True))
        y = 80 + 5 * on["a"] - 4 * on["b"] + 0.3 * rng.standard_normal()
        cost = 10 * 1.5 ** on["c"] * np.exp(0.02 * rng.standard_normal())
        levels = {n: ("off", "on")[b] for n, b in on.items()}
        rows.append({**levels, "accuracy": y, "train_seconds": cost})
    experiment = Experiment(pd.DataFrame(rows), dict.fromkeys("abcdef", ("off", "on")))
    found = pareto(experiment, "accuracy", True)
    assert len(found.arms) == 50
    assert found.of == 64
    # c costs and does not help, b hurts: arms with either are beaten by their like without.
    for arm in found.arms[:5]:
        assert (arm.levels["b"], arm.levels["c"]) == ("off", "off")
        assert 0 < arm.metric < 100
    assert pareto(experiment, "accuracy", False).arms is None


def test_what_cannot_be_known_is_null_with_a_reason():
    found = arms([80, 90], [10, 20], 3, np.random.default_rng(4))
    timeless = Experiment(found.runs.drop(columns="train_seconds"), found.factors)
    assert "no training times" in pareto(timeless, "accuracy", False).reason
    one = Experiment(found.runs[found.runs["seed"] == 0], found.factors)
    assert "seeds" in pareto(one, "accuracy", False).reason

"""Factorials: averages over the grid, interactions and aliases, against numbers by hand."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from runner.analysis.analyze import analyze
from runner.analysis.data.arm_statistics import distinct
from runner.analysis.data.experiment import Experiment
from runner.analysis.data.runs_file import from_file
from runner.analysis.to_json import to_json
from tests.analysis.made_runs import by_label, experiment, grid, two_level


def test_hoya012s_table_is_undecided_throughout():
    a = analyze(from_file(Path(__file__).parents[2] / "docs/hoya012.csv"))
    effects = by_label(a)
    expected = {"cosine": -0.20, "smoothing": -0.40, "mixup": 0.02}
    for name, value in expected.items():
        effect = effects[name]
        low, high = effect.estimate.interval()
        assert effect.estimate.value == pytest.approx(value, abs=0.005)
        assert (high - low) / 2 == pytest.approx(0.85, abs=0.02)
        assert effect.verdict == "undecided"
    assert a.estimand == "averaged over the grid"
    assert a.df == 3
    assert "main effects only" in a.error_term


def test_factorial_effects_and_interactions_are_exact_without_noise():
    a = grid("abcde", lambda on: 90 + 2 * on["a"] - on["b"] + 3 * on["a"] * on["b"], sd=1e-6)
    answer = analyze(a)
    effects = by_label(answer)
    assert effects["a"].estimate.value == pytest.approx(3.5, abs=1e-4)  # 2 + 3 / 2
    assert effects["a"].at_baseline.effect == pytest.approx(2, abs=1e-4)
    assert effects["b"].at_baseline.effect == pytest.approx(-1, abs=1e-4)
    assert answer.interactions[0].estimate.value == pytest.approx(3, abs=1e-4)
    assert effects["a"].verdict == "depends"
    on = effects["a"].depends_on[0]
    assert on.label == "b"
    assert on.off.effect == pytest.approx(2, abs=1e-4)
    assert on.on.effect == pytest.approx(5, abs=1e-4)


def test_aliased_interactions_are_named_together():
    # d = abc: every two-factor interaction is aliased with the complementary one.
    rows = []
    for a, b, c in itertools.product((0, 1), repeat=3):
        for r in range(3):
            d = (a + b + c) % 2
            y = 90 + 4 * a * b + 0.1 * r
            row = dict(zip("abcd", (("off", "on")[x] for x in (a, b, c, d)), strict=True))
            rows.append({**row, "accuracy": y})
    answer = analyze(experiment(rows, two_level("abcd"), "fraction"))
    largest = answer.interactions[0]
    assert len(answer.interactions) == 3
    assert set(largest.terms) == {("a", "b"), ("c", "d")}
    assert largest.estimate.value == pytest.approx(4)
    assert {e.verdict for e in answer.effects} == {"depends"}
    assert by_label(answer)["a"].may_depend_on == ("a × b + c × d",)
    assert by_label(answer)["a"].depends_on == ()


def test_confounded_main_effects_are_not_estimated():
    rows = [{"a": x, "b": x, "c": c, "accuracy": 90 + r} for x in ("off", "on")
            for c in ("off", "on") for r in (0, 1, 2)]  # fmt: skip
    effects = by_label(analyze(experiment(rows, two_level("abc"))))
    assert effects["a"].estimate.value is None
    assert "b" in effects["a"].estimate.reason
    assert effects["c"].estimate.value is not None


def test_lost_arms_that_cost_the_interactions_are_named():
    """Half of 2^5 is saturated with its interactions; two replicates of it are not."""
    rng = np.random.default_rng(0)
    arms = [a for a in itertools.product((0, 1), repeat=5) if sum(a) % 2 == 0]
    names = [f"x{i}" for i in range(5)]
    rows = [
        {**{n: ("off", "on")[x] for n, x in zip(names, arm, strict=True)}, "accuracy": y}
        for arm in arms
        for y in rng.normal(90, 1, 2)
    ]
    runs = pd.DataFrame(rows).assign(state="ok")
    factors = dict.fromkeys(names, ("off", "on"))

    def notes(frame):
        return " ".join(to_json(analyze(Experiment(frame, factors, grid="fraction")))["notes"])

    assert "interactions are not in the model" not in notes(runs)
    lost = runs.copy()
    gone = lost[names].eq("on").sum(axis=1).eq(4)
    lost.loc[gone, ["state", "accuracy"]] = ["diverged", np.nan]
    assert "(separating them needs the arms without a usable run)" in notes(lost)


def test_main_effects_of_a_fold_over_are_clear_of_interactions_that_are_in_the_error():
    from runner.designs.hadamard import folded

    rng = np.random.default_rng(3)
    rows = (1 - np.array(folded(12, 24))) // 2
    names = [f"x{i}" for i in range(12)]

    def answer(levels):
        frame = pd.DataFrame(np.where(levels, "on", "off"), columns=names)
        frame["accuracy"] = rng.normal(90, 1, len(levels))
        return to_json(analyze(Experiment(frame, dict.fromkeys(names, ("off", "on")))))

    whole, part = answer(rows), answer(rows[:18])
    assert "main effects are clear of them" in " ".join(whole["notes"])
    assert "not of the effects" in whole["error_term"]
    assert "effects hold if there are no interactions" in " ".join(part["notes"])


def test_a_hundred_thousand_runs_take_seconds():
    rng = np.random.default_rng(0)
    names = [f"t{i}" for i in range(12)]
    runs = pd.DataFrame(rng.integers(0, 2, (100_000, 12)), columns=names).astype(str)
    runs["accuracy"] = 90 + rng.normal(size=100_000)
    runs["cpu_seconds"] = 5.0
    start = time.process_time()  # a busy machine must not fail this
    answer = to_json(analyze(Experiment(runs, dict.fromkeys(names, ("0", "1")))))
    json.dumps(answer, allow_nan=False)
    assert time.process_time() - start < 10
    assert len(answer["effects"]) == 12


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 3)), min_size=1))
def test_distinct_is_numpys_unique_rows(rows):
    levels = np.array(rows)
    arms, where = np.unique(levels, axis=0, return_inverse=True)
    found, places = distinct(levels)
    assert (found == arms).all()
    assert (places == where.reshape(-1)).all()


def test_arms_without_any_noise_have_no_interval():
    """Collapsed arms repeat one accuracy exactly: rounding must not be taken for their noise."""
    rng = np.random.default_rng(0)
    rows = [
        {"a": a, "optimizer": o, "accuracy": y + (rng.normal() if o == "adamw" else 0.0)}
        for a in ("off", "on")
        for o, y in {"sgd": 10.0, "lars": 11.1, "adamw": 90.0}.items()
        for _ in range(3)
    ]
    factors = {"a": ("off", "on"), "optimizer": ("sgd", "lars", "adamw")}
    effects = by_label(analyze(experiment(rows, factors, "full")))
    still = effects["optimizer=lars"]
    assert still.estimate.value == pytest.approx(1.1)
    assert still.verdict == "undecided"
    assert "runs of these arms are equal" in still.estimate.reason
    assert still.at_baseline.interval is None
    assert effects["optimizer=adamw"].verdict == "helps"
    noisy = [[r["accuracy"] for r in rows if (r["a"], r["optimizer"]) == (a, "adamw")]
             for a in ("off", "on")]  # fmt: skip
    own = sum(np.var(arm, ddof=1) / 3 for arm in noisy)
    assert effects["a"].estimate.se == pytest.approx(np.sqrt(own) / 3)


@pytest.mark.parametrize("noise", ["own", "equal"])
def test_a_placebo_in_every_arm_is_the_paired_t_test(noise):
    """Each arm run with and without it: its own square must not be counted as noise."""
    rng = np.random.default_rng(2)
    arms = list(itertools.product(("off", "on"), repeat=4))
    y = 90 + rng.normal(0, 3, (16, 1)) + rng.normal(0, 1, (16, 2)) + [0, 0.8]
    rows = [
        {**dict(zip("abcd", arm, strict=True)), "placebo": level, "accuracy": value}
        for arm, pair in zip(arms, y, strict=True)
        for level, value in zip(("off", "on"), pair, strict=True)
    ]
    answer = analyze(experiment(rows, two_level([*"abcd", "placebo"]), "full", noise=noise))
    found = by_label(answer)["placebo"].estimate
    paired = stats.ttest_rel(y[:, 1], y[:, 0])
    assert found.value / found.se == pytest.approx(paired.statistic)
    assert found.df == pytest.approx(15) if noise == "equal" else 8 < found.df <= 15, found.df

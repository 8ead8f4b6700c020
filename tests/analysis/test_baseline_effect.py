"""Effects at the baseline from a factorial's runs."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.simulation import layout
from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from runner.studies.experiments import study_experiment
from tests.analysis.made_runs import by_label, collapsing_fraction, experiment, grid, two_level
from tricks.errors import BadInput


def test_estimand_can_be_overridden():
    found = grid("abcde", lambda on: 90 + 2 * on["a"] + 3 * on["a"] * on["b"], sd=0.01)
    average, baseline = analyze(found), analyze(found, estimand="baseline")
    assert by_label(average)["a"].estimate.value == pytest.approx(3.5, abs=0.05)
    assert by_label(baseline)["a"].estimate.value == pytest.approx(2, abs=0.05)
    assert baseline.estimand == "at the baseline"
    with pytest.raises(BadInput, match="unknown estimand"):
        analyze(found, estimand="basline")


def test_baseline_effect_is_not_misled_by_a_collapse_of_three():
    def collapse(on):
        return 95 + on["a"] - 80 * (on["a"] and on["b"] and on["c"])

    found = by_label(analyze(grid("abcdef", collapse, sd=0.3)))["a"].at_baseline
    assert found.ci_low < 1 < found.ci_high
    assert found.effect == pytest.approx(1, abs=0.5)


def test_baseline_effect_is_the_two_arms_where_the_design_has_them():
    rows = []
    rng = np.random.default_rng(2)
    for a, b, c, d in itertools.product((0, 1), repeat=4):
        if (a + b + c + d) % 2 and (b or d):
            continue  # the arms a and c stay, beside half of the grid
        for _ in range(3):
            y = 80 + 6 * c - 30 * a * b * c + 8 * b * d + rng.standard_normal()
            row = {n: ("off", "on")[x] for n, x in zip("abcd", (a, b, c, d), strict=True)}
            rows.append({**row, "accuracy": y})
    data = experiment(rows, two_level("abcd"), "fraction")
    effect = by_label(analyze(data))["c"]
    base = (data.runs[list("abcd")] == "off").all(axis=1)
    arm = (data.runs[list("abd")] == "off").all(axis=1) & (data.runs["c"] == "on")
    direct = stats.ttest_ind(
        data.runs["accuracy"][arm], data.runs["accuracy"][base], equal_var=False
    )
    assert effect.at_baseline_from == "the two arms"
    assert effect.at_baseline.p == pytest.approx(direct.pvalue)
    assert effect.at_baseline.effect == pytest.approx(6, abs=2)


@pytest.mark.parametrize("repeats", [1, 3])
def test_no_baseline_effect_from_a_pair_that_was_never_seen(repeats):
    # b × c is seen only with a on; where a is held off, c's mean is over the runs without b.
    for effect in analyze(collapsing_fraction(repeats)).effects:
        if effect.label in "bc" and effect.at_baseline.effect is not None:
            low, high = effect.at_baseline.interval
            assert low < {"b": 0, "c": 6}[effect.label] < high


@functools.cache
def recorded(name):
    """A committed study."""
    folder = Path(__file__).parents[2] / "results/ten-epochs" / name
    return study_experiment(folder.parent, str(folder))


@pytest.mark.parametrize("replicate", range(3))
def test_one_seed_of_a_fraction_has_no_false_effect_at_the_baseline(replicate):
    # Averaged over factors whose interaction is not seen at one seed, adamw came out as -25 ± 19.
    whole, alone = recorded("digits-fraction"), recorded("digits-add-one")
    arms = whole.runs.groupby(list(whole.factors))["id"]
    third = arms.cumcount() * 3 // arms.transform("size") == replicate
    found = analyze(replace(whole, runs=whole.runs[third].reset_index(drop=True)))
    truth = {e.label: e.estimate.value for e in analyze(alone).effects}
    assert len(found.effects) == 10
    assert any(effect.at_baseline.effect is None for effect in found.effects)
    for effect in found.effects:
        if effect.at_baseline.effect is None:
            assert "run --grid add-one" in effect.at_baseline.reason
        else:
            low, high = effect.at_baseline.interval
            assert low < truth[effect.label] < high


def test_no_effect_at_a_baseline_from_which_all_runs_are_away():
    found = grid("abcd", lambda on: 90 + 2 * on["a"], sd=0.1)
    found = replace(found, runs=found.runs[found.runs["d"] == "on"])
    assert by_label(analyze(found))["a"].at_baseline.effect is None


def test_a_placebo_leaves_the_other_effects_at_the_baseline_alone():
    """Also where the runs are narrowed: those with and without it stay replicates of one arm."""
    rng = np.random.default_rng(0)
    runs = layout("full", (2,) * 5, 2, placebo=True).levels
    names = [*"abcde", "placebo"]
    frame = pd.DataFrame(np.where(runs, "on", "off"), columns=names)
    frame["accuracy"] = 90 + runs[:, 0] * (1 + 3 * runs[:, 1]) + rng.normal(0, 0.5, len(runs))
    held = analyze(Experiment(frame, two_level(names), "full")).effects[:-1]
    without = analyze(Experiment(frame, two_level("abcde"), "full")).effects
    assert "model, narrowed" in {e.at_baseline_from for e in without}
    for one, two in zip(held, without, strict=True):
        assert one.at_baseline_from == two.at_baseline_from
        assert one.at_baseline.interval == pytest.approx(two.at_baseline.interval)

"""The recommended recipe: by validation, the cheap one of those that noise does not tell apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from runner.analysis.data.experiment import Experiment
from runner.analysis.recommended import Recommended, recommended

SPREAD = (-0.3, -0.1, 0.0, 0.1, 0.3)


def runs(arms, **columns):
    """Add-one runs. arms: trick (or "" for the baseline) -> (validation, test, seconds)."""
    names = [name for name in arms if name]
    rows = [
        {**{n: "on" if n == name else "off" for n in names}, "state": "ok", "seed": i,
         "val_accuracy": val + d, "accuracy": test - d, "cpu_seconds": seconds, "device": "cpu",
         "chance_accuracy": 10.0}
        for name, (val, test, seconds) in arms.items() for i, d in enumerate(SPREAD)
    ]  # fmt: skip
    frame = pd.DataFrame(rows).assign(**columns)
    return Experiment(frame, dict.fromkeys(names, ("off", "on")), "add-one")


def found(arms, metric="accuracy"):
    answer = recommended(runs(arms), metric)
    assert isinstance(answer, Recommended)
    return answer


def test_the_best_by_validation_is_taken_whatever_the_test_set_says():
    answer = found({"": (90, 90, 10), "a": (95, 91, 10), "b": (92, 99, 10)})
    assert (answer.label, answer.best, answer.alike, answer.of) == ("a", "a", 1, 3)
    assert answer.gain.value == pytest.approx(1, abs=0.2)
    assert answer.gain.low < 1 < answer.gain.high
    assert answer.sure > 0.99
    assert answer.time == pytest.approx(1)


def test_of_arms_that_noise_does_not_tell_apart_a_cheap_one_is_taken():
    arms = {"": (90, 90, 10), "dear": (95.05, 95, 30), "cheap": (95, 95, 10), "slow": (95, 95, 15)}
    answer = found(arms)
    assert (answer.label, answer.best, answer.alike) == ("cheap", "dear", 3)


def test_a_cheaper_arm_that_is_surely_worse_is_not_taken():
    answer = found({"": (90, 90, 1), "dear": (95, 95, 30)})
    assert (answer.label, answer.time) == ("dear", pytest.approx(30))


def test_the_baseline_is_enough_where_nothing_beats_it():
    answer = found({"": (90, 90, 10), "a": (90.05, 90, 20)})
    assert answer.is_baseline
    assert answer.gain is None


def test_arms_that_diverged_or_are_near_chance_are_never_recommended():
    experiment = runs({"": (90, 90, 10), "lost": (99, 99, 10), "a": (95, 95, 10)})
    experiment.runs.loc[experiment.runs["lost"].eq("on") & experiment.runs["seed"].eq(0),
                        ["state", "val_accuracy"]] = ["diverged", np.nan]  # fmt: skip
    assert recommended(experiment, "accuracy").label == "a"
    near = runs({"": (12, 12, 10), "a": (13, 13, 10)})
    assert "near chance" in recommended(near, "accuracy")


def test_without_validation_accuracy_none_is_named():
    experiment = runs({"": (90, 90, 10), "a": (95, 95, 10)}, val_accuracy=np.nan)
    assert "no val_accuracy" in recommended(experiment, "accuracy")


def test_one_run_of_each_arm_tells_no_noise():
    experiment = runs({"": (90, 90, 10), "a": (95, 95, 10)})
    once = Experiment(experiment.runs[experiment.runs["seed"].eq(0)], experiment.factors, "add-one")
    assert "no noise to draw from" in recommended(once, "accuracy")

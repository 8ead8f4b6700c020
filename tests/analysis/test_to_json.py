"""JSON of an analysis: its attributes by their names, null for what is not known."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from runner.analysis.test_set.classification import classification
from runner.analysis.to_json import to_json


def runs(**columns):
    """Three seeds of each arm of two factors that interact."""
    arms = itertools.product(("off", "on"), ("off", "on"), range(3))
    frame = pd.DataFrame(list(arms), columns=["a", "b", "seed"]).assign(**columns)
    both = frame["a"].eq("on") & frame["b"].eq("on")
    frame["accuracy"] = 80 + 6 * both + np.random.default_rng(0).standard_normal(len(frame))
    return Experiment(frame, dict.fromkeys("ab", ("off", "on")))


def same(value, of):
    """Whether a JSON value is that of an object with attributes of the same names."""
    if isinstance(value, dict):
        get = of.get if isinstance(of, dict) else lambda key: getattr(of, key)
        return all(same(item, get(key)) for key, item in value.items())
    if isinstance(value, list):
        return len(value) == len(of) and all(map(same, value, of))
    return value == of


def test_keys_are_attributes_however_deep():
    found = analyze(runs(train_seconds=3.0))
    told = to_json(found)
    counts = told.pop("runs")
    assert counts == {"used": 12, "total": 12, "ok": 12}
    assert same(told, found)
    on = found.effects[0].depends_on[0]
    assert told["effects"][0]["depends_on"][0]["on"]["ci_low"] == on.on.ci_low
    assert told["effects"][0]["at_baseline"]["se"] == found.effects[0].at_baseline.se
    assert told["negligible"] == found.negligible == 0.2
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_arms_have_the_columns_of_their_runs():
    plain, timed = (to_json(analyze(x))["arms"][0] for x in (runs(), runs(train_seconds=3.0)))
    assert list(plain) == [
        "runs", "ok", "mean", "sd", "diverged", "failed", "infra", "low", "high", "accuracy",
        "levels", "label",
    ]  # fmt: skip
    assert list(timed) == [*list(plain)[:10], "train_seconds", *list(plain)[10:]]
    lost = to_json(analyze(runs(val_accuracy=None)))["arms"][0]
    assert lost["val_accuracy"] is None, "a column without a value"


def test_what_is_not_known_is_its_reason():
    told = to_json(analyze(runs()))
    assert list(told["noise"]) == ["reason"]
    assert told["collapsed"] == {
        "arms": None, "reason": "chance accuracy is not known", "without": None,
    }  # fmt: skip
    assert told["pareto"]["arms"] is None
    assert "no training times" in told["pareto"]["reason"]
    known = to_json(analyze(runs(chance_accuracy=10.0)))["collapsed"]
    assert known == {"arms": [], "without": None}


def test_lenths_error_has_no_detectable_effect():
    """Seven factors in eight runs leave no error degrees of freedom."""
    sets = [chosen for size in (1, 2, 3) for chosen in itertools.combinations("abc", size)]
    frame = pd.DataFrame(list(itertools.product((0, 1), repeat=3)), columns=list("abc"))
    names = ["".join(chosen) for chosen in sets]
    columns = {"".join(x): frame[list(x)].sum(axis=1).mod(2).map(str) for x in sets}
    y = 90 + np.random.default_rng(0).standard_normal(8)
    saturated = Experiment(
        pd.DataFrame({**columns, "accuracy": y}), dict.fromkeys(names, ("0", "1"))
    )
    found = analyze(saturated)
    assert found.error_term.startswith("Lenth")
    assert "detectable" not in to_json(found)
    assert to_json(analyze(runs()))["detectable"]["power"] == 0.8


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_null(value):
    found = replace(analyze(runs()), sigma=value)
    assert to_json(found)["sigma"] is None


def test_a_class_is_called_class():
    told = to_json(classification(np.log([[0.9, 0.1], [0.8, 0.2]]), [0, 1], ("cat", "dog")))
    assert told["classes"][1]["class"] == "dog"
    assert told["confused"] == [{"class": "dog", "predicted": "cat", "images": 1, "share": 100.0}]
    assert told["confusion"] == [[1, 0], [1, 0]]

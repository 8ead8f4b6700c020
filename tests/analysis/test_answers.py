"""What an analysis may be asked: margin, level, metric; and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from runner.analysis.to_json import to_json
from tests.analysis.made_runs import experiment, two_level
from tricks.errors import BadInput


def test_negligible_needs_the_ninety_per_cent_interval_inside_the_margin():
    rng = np.random.default_rng(0)
    rows = [{"a": x, "accuracy": 90 + 0.1 * rng.standard_normal()} for x in ("off", "on") * 30]
    found = experiment(rows, two_level("a"))
    assert analyze(found).effects[0].verdict == "negligible"
    assert analyze(found, negligible=0.001).effects[0].verdict == "undecided"


@pytest.mark.parametrize("layout", ["add-one", "cumulative", "full"])
def test_the_level_moves_every_interval_and_verdict(layout):
    arms = [
        ("off", "off"),
        ("on", "off"),
        ("on", "on") if layout == "cumulative" else ("off", "on"),
    ]
    arms += [("on", "on")] if layout == "full" else []
    rng = np.random.default_rng(3)
    rows = [{"a": x, "b": y, "accuracy": 90 + 0.9 * (x == "on") + 0.3 * rng.standard_normal()}
            for x, y in arms for _ in range(5)]  # fmt: skip
    usual = experiment(rows, two_level("ab"), layout, order=("a", "b"))
    strict = replace(usual, level=0.001)
    one, two = (to_json(analyze(x, negligible=5.0)) for x in (usual, strict))
    assert (two["level"], two["confidence"]) == (0.001, 0.999)
    for wide, narrow in zip(two["effects"], one["effects"], strict=True):
        for key in ("ci_alone", "ci_together"):
            assert wide[key][0] < narrow[key][0] < narrow[key][1] < wide[key][1]
    assert all(w["low"] < n["low"] for w, n in zip(two["arms"], one["arms"], strict=True))
    edge = max(map(abs, one["effects"][0]["ci_alone"]))
    assert analyze(replace(usual, level=0.3), negligible=edge).effects[0].verdict == "negligible"
    assert analyze(replace(usual, level=1e-5), negligible=edge).effects[0].verdict == "undecided"


@pytest.mark.parametrize(("metric", "unit"), [("loss", "loss"), ("cpu_seconds", "s")])
def test_smaller_is_better_for_losses_and_seconds(metric, unit):
    rows = [{"a": x, metric: (1.0 if x == "on" else 2.0) + d}
            for x in ("off", "on") for d in (0, 0.01, 0.02)]  # fmt: skip
    a = analyze(experiment(rows, two_level("a")), metric)
    assert (a.effects[0].verdict, a.unit, a.negligible) == ("helps", unit, None)


def test_nothing_to_analyze():
    rows = [{"a": x, "state": "diverged", "accuracy": None} for x in ("off", "on")]
    with pytest.raises(BadInput, match="2 diverged"):
        analyze(experiment(rows, two_level("a")))
    with pytest.raises(BadInput, match="unknown metric"):
        analyze(experiment([{"a": "off", "accuracy": 1.0}], two_level("a")), "acuracy")
    with pytest.raises(BadInput, match="no finished run"):
        analyze(Experiment(pd.DataFrame({"a": [], "accuracy": []}), two_level("a")))


@pytest.mark.parametrize("wrong", [{"level": 0.0}, {"level": 0.7}, {"noise": "won"},
                                   {"scale": "logits"}])  # fmt: skip
def test_impossible_choices_are_refused(wrong):
    with pytest.raises(BadInput):
        experiment([{"a": "off", "accuracy": 90.0}], two_level("a"), **wrong)

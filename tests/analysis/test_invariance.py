"""What must not change an answer: the order of rows, the zero and sign of the metric, the names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.simulation import layout
from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from runner.analysis.to_json import to_json

LEVELS = ("off", "on", "max")
DESIGNS = {"full": (2, 2, 3), "fraction": (2,) * 5, "screen": (2,) * 5, "add-one": (2, 2, 3)}
KEYS = ("effect", "ci_low", "ci_high", "se", "df", "p_adjusted")


def study(grid, seeds, seed):
    """Runs of the design with effects, one interaction, unequal noise and a diverged run."""
    rng = np.random.default_rng(seed)
    sizes = DESIGNS[grid]
    arms = layout(grid, sizes, seeds, 16 if grid == "fraction" else None).levels
    names = [f"x{i}" for i in range(len(sizes))]
    runs = pd.DataFrame(np.array(LEVELS)[arms], columns=names)
    y = 80 + arms @ rng.normal(0, 2, len(sizes)) + 3 * arms[:, 0] * arms[:, 1]
    runs["accuracy"] = y + rng.normal(0, rng.choice([0.3, 1.0], len(arms)))
    runs["state"] = "ok"
    runs.loc[rng.integers(len(runs)), ["accuracy", "state"]] = [np.nan, "diverged"]
    factors = {n: LEVELS[:size] for n, size in zip(names, sizes, strict=True)}
    return Experiment(runs, factors, grid)


def numbers(experiment, metric="accuracy", estimand=None):
    """(effects, keys) of the table, NaN for null; and the verdicts."""
    effects = to_json(analyze(experiment, metric, estimand, negligible=0.5))["effects"]
    table = np.array([[e[key] for key in KEYS] for e in effects], dtype=float)
    return table, [e["verdict"] for e in effects]


designs = st.tuples(st.sampled_from(sorted(DESIGNS)), st.integers(1, 3), st.integers(0, 99))


@settings(max_examples=12, deadline=None)
@given(designs)
def test_the_order_of_rows_and_the_zero_of_the_metric(design):
    found = study(*design)
    table, verdicts = numbers(found)
    mixed = found.runs.sample(frac=1, random_state=1)
    mixed["accuracy"] -= 10
    again, same = numbers(replace(found, runs=mixed))
    assert again == pytest.approx(table, rel=1e-6, abs=1e-8, nan_ok=True)
    assert same == verdicts


@settings(max_examples=12, deadline=None)
@given(designs)
def test_an_error_rate_has_the_verdicts_of_the_accuracy(design):
    found = study(*design)
    table, verdicts = numbers(found)
    error = replace(found, runs=found.runs.assign(error_rate=100 - found.runs["accuracy"]))
    again, same = numbers(error, "error_rate")
    assert again[:, 0] == pytest.approx(-table[:, 0], nan_ok=True)
    assert same == verdicts


@settings(max_examples=12, deadline=None)
@given(designs.filter(lambda design: design[0] != "add-one"))
def test_another_reference_turns_the_sign_of_an_average_and_no_more(design):
    found = study(*design)
    turned = replace(found, factors={**found.factors, "x0": ("on", "off")})
    (one, *rest), (two, *others) = (numbers(x, estimand="grid")[0] for x in (found, turned))
    effect, low, high, *same = one
    assert two == pytest.approx([-effect, -high, -low, *same], rel=1e-6, nan_ok=True)
    assert np.array(others) == pytest.approx(np.array(rest), rel=1e-6, nan_ok=True)

"""Whatever the runs are: one clear line, or JSON without NaN in which every null has its reason."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.analysis.analyze import analyze
from runner.analysis.data.experiment import Experiment
from runner.analysis.to_json import to_json
from tricks.errors import BadInput

GRIDS = ["", "add-one", "leave-one-out", "cumulative", "pairs", "full", "fraction", "screen"]
LEVELS = {"a": ("off", "on"), "optimizer": ("sgd", "lars", "adamw"), "b": ("off", "on")}
numbers = st.one_of(
    st.floats(0, 100), st.sampled_from([0.0, 50.0, 90.0, 100.0, float("nan"), float("inf")])
)
states = st.sampled_from(["ok", "ok", "ok", "ok", "diverged", "failed", "infra"])
runs = st.lists(
    st.tuples(*(st.sampled_from(levels) for levels in LEVELS.values()), numbers, states),
    min_size=0, max_size=30,
)  # fmt: skip


def check(experiment, **kwargs):
    """One line or valid JSON; no bare interval without a number, no null without its reason."""
    try:
        answer = to_json(analyze(experiment, **kwargs))
    except BadInput as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
    if said:
        return
    json.dumps(answer, allow_nan=False)
    for effect in answer["effects"]:
        assert effect["ci_low"] is not None or effect["reason"]
        assert effect["ci_low"] is None or effect["ci_low"] <= effect["effect"]
        if effect["verdict"] == "undecided":
            more = effect["to_decide"]
            assert more["runs"] is not None or more["reason"]
        if effect["worst_rank"]:
            assert effect["worst_rank"]["p"] is not None or effect["worst_rank"]["reason"]
    for part in ("half_normal", "best"):
        assert answer[part] is not None or answer[f"{part}_reason"]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(GRIDS), runs, st.sampled_from(["own", "equal"]),
    st.sampled_from(["raw", "raw", "logit"]), st.sampled_from([None, "grid", "baseline"]),
    st.booleans(),
)  # fmt: skip
def test_any_runs_give_valid_json_or_one_line(grid, rows, noise, scale, estimand, constant):
    table = pd.DataFrame(rows, columns=[*LEVELS, "accuracy", "state"])
    table["accuracy"] = table["accuracy"].where(table["state"] == "ok")
    if constant:
        table["accuracy"] = table["accuracy"].where(table["accuracy"].isna(), 90.0)
    check(Experiment(table, LEVELS, grid, noise=noise, scale=scale), estimand=estimand)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("what", ["diverged", "NaN", "constant", "one arm", "one run"])
def test_bad_data(grid, what):
    rows = [{"a": x, "optimizer": o, "b": "off", "state": "ok", "accuracy": 90.0 + r + (x == "on")}
            for x in ("off", "on") for o in ("sgd", "lars") for r in range(2)]  # fmt: skip
    table = pd.DataFrame(rows)
    if what == "diverged":
        table = table.assign(state="diverged", accuracy=np.nan)
    elif what == "NaN":
        table.loc[table["a"] == "on", "accuracy"] = np.nan
    elif what == "constant":
        table["accuracy"] = 90.0
    elif what == "one arm":
        table = table[(table["a"] == "off") & (table["optimizer"] == "sgd")]
    else:
        table = table[:1]
    check(Experiment(table.reset_index(drop=True), LEVELS, grid))

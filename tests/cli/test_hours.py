"""Predicted hours: by records of like runs, or by a few steps measured before."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.planning.costs import Costs, kind, mean_seconds
from runner.planning.hours import LOOKED_AT, MEASURED
from tricks.recipe import Recipe, to_json

ASKED = ("run", "--tricks", "warmup,evonorm", "--seeds", "2", "--workers", "2", "--dry-run")
RECIPE = to_json(Recipe())
PARTS = ("norm", "average", "clip", "predict")


def recipe(on=(), epochs=10, **fields):
    return {**RECIPE, **{field: {"name": field} for field in on}, "epochs": epochs, **fields}


def test_without_records_the_hours_are_null_with_a_reason(cli):
    answer = cli(*ASKED, "--json").json
    assert answer["predicted_hours"] is None
    assert "no run is recorded yet" in answer["predicted_hours_reason"]
    assert "hours are not known" in cli(*ASKED).out


def test_records_of_like_runs_tell_the_hours(cli, stub):
    assert cli("run", "--tricks", "warmup,evonorm", "--seeds", "1").code == 0
    answer = cli(*ASKED, "--json").json
    assert answer["missing"] == 3
    # 1.2 s a run, two at a time: the third run is alone
    assert answer["predicted_hours"] == pytest.approx(2 * 1.2 / 3600)
    assert answer["predicted_core_hours"] == pytest.approx(3 * 1.2 / 3600)
    assert answer["prediction"]["source"] == "recorded runs of the same cost"
    said = cli(*ASKED).out
    assert "with 2 workers" in said
    assert "1.2 s a run" in said


def test_other_epochs_take_other_hours_and_other_images_tell_nothing(cli, stub):
    assert cli("run", "--tricks", "warmup", "--seeds", "1").code == 0
    twice = (*ASKED, "--name", "b", "--set", "epochs=20", "--json")
    answer = cli(*twice).json
    assert answer["prediction"]["seconds_per_run"] == pytest.approx(2.4)
    assert answer["prediction"]["source"].startswith("recorded runs of the same model")
    fewer = cli(*ASKED, "--name", "c", "--set", "train_images=64", "--json").json
    assert fewer["predicted_hours"] is None
    wide = cli(*ASKED, "--name", "d", "--set", "model=resnet18", "--json").json
    assert wide["predicted_hours"] is None


def test_what_is_recorded_in_full_takes_no_time(cli, stub):
    assert cli("run", "--tricks", "warmup,evonorm", "--seeds", "2").code == 0
    answer = cli(*ASKED, "--json").json
    assert (answer["missing"], answer["predicted_hours"]) == (0, 0.0)


@pytest.fixture
def measured(monkeypatch):
    """Measures in the place of children: a second, evonorm and sam two more times as long."""
    asked = []

    def measure(specs, *options):
        asked.append([spec.tricks for spec in specs])
        slow = [
            (spec.recipe.norm is not None) + any(w.name == "sam" for w in spec.recipe.wrappers)
            for spec in specs
        ]
        return [2.0**n - 0.2 for n in slow]

    monkeypatch.setattr("runner.planning.trial.measured_seconds", measure)
    return asked


def test_an_estimate_measures_each_kind_once(cli, stub, measured):
    answer = cli(*ASKED, "--estimate", "--json").json
    assert measured == [[(), ("evonorm",)]], "warmup costs what the baseline costs"
    mean = (1 + 1 + 2) / 3
    assert answer["prediction"]["seconds_per_run"] == pytest.approx(mean)
    assert answer["predicted_hours"] == pytest.approx(3 * mean / 3600)
    assert stub.ids == []


def test_of_many_kinds_the_tricks_are_measured_alone(cli, measured):
    tricks = "evonorm,sam,ema,dropout,drop-path,grayscale,random-erasing"
    line = ("run", "--grid", "full", "--tricks", tricks, "--dry-run", "--estimate", "--json")
    answer = cli(*line).json
    assert len(measured[0]) == 8 <= MEASURED
    assert "each trick's time ratio multiplied" in answer["prediction"]["source"]
    assert answer["prediction"]["seconds_per_run"] == pytest.approx(1.5 * 1.5)


def test_an_estimate_is_told_before_a_grid_is_trained(cli, stub, measured):
    done = cli("run", "--tricks", "warmup", "--seeds", "1", "--estimate")
    assert done.code == 0
    assert done.out.startswith("2 runs to train: about ")
    assert len(stub.ids) == 2


def test_a_large_grid_is_looked_at_in_part(cli, measured):
    tricks = "evonorm,sam,ema,dropout,drop-path,grayscale,random-erasing,blur-pool,cutmix,mixup"
    answer = cli("run", "--grid", "full", "--tricks", tricks, "--dry-run", "--estimate", "--json")
    assert answer.json["arms"] > LOOKED_AT
    # its first arms have every level in nearly equal parts
    assert answer.json["prediction"]["seconds_per_run"] == pytest.approx(2.25, rel=0.02)


def test_what_is_free_is_of_the_same_kind():
    assert kind(recipe(lr_scale=4.0, smoothing=0.1, epochs=3)) == kind(RECIPE)
    assert kind(recipe(["norm"])) != kind(RECIPE)
    sgd = [{"name": "sgd", "lr": lr} for lr in (0.1, 0.2)]
    assert len({kind(recipe(optimizer=optimizer)) for optimizer in sgd}) == 1
    older = {name: value for name, value in RECIPE.items() if name != "eval_scale"}
    assert kind(older) == kind(RECIPE)


factors = st.lists(st.floats(0.5, 4.0), min_size=len(PARTS), max_size=len(PARTS))


@given(factors, st.floats(0.1, 100), st.sets(st.sampled_from(PARTS)))
def test_ratios_that_multiply_are_found(factors, base, on):
    ratio = dict(zip(PARTS, factors, strict=True))
    alone = [(recipe(), base), *((recipe([part]), base * ratio[part]) for part in PARTS)]
    costs = Costs(alone)
    seconds, how = costs.seconds(recipe(on, epochs=7))
    assert seconds == pytest.approx(7 * base * math.prod(ratio[part] for part in on))
    assert how == ("alike" if len(on) < 2 else "ratios")


def test_a_part_that_was_never_seen_is_taken_as_the_model_is():
    costs = Costs([(recipe(), 1.0), (recipe(["norm"]), 3.0)])
    assert costs.seconds(recipe(["clip"])) == (pytest.approx(20.0), "model")
    assert costs.seconds(recipe(model="resnet18")) == (None, "")
    assert mean_seconds(costs, [recipe(), recipe(["clip"])]) == (pytest.approx(15.0), "model")
    assert mean_seconds(costs, [recipe(), recipe(model="resnet18")]) == (None, "")
    assert Costs([]).seconds(recipe()) == (None, "")

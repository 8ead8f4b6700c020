"""Predicted hours, from records of similar runs or from a few measured steps."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.planning.costs import Costs, kind, mean_seconds
from runner.planning.hours import LOOKED_AT, MEASURED
from runner.records.store import Store
from tricks.bag import parse
from tricks.optimizer.sgd import SGD
from tricks.recipe import Recipe, to_json

ASKED = ("run", "--tricks", "warmup,evonorm", "--seeds", "2", "--workers", "2", "--dry-run")
PARTS = ("norm", "average", "clip", "predict")


def recipe(on=(), epochs=10, **fields):
    some = parse("warmup")  # any trick: its field tells it from others
    return Recipe(**dict.fromkeys(on, some), epochs=epochs, **fields)


def of(*args, **fields):
    """The kind of such a recipe."""
    return kind(to_json(recipe(*args, **fields)))


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
    twice = (*ASKED, "--name", "b", "--set", "epochs=80", "--json")
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
    """Replaces measurements in child processes: 1 s, three times as long with evonorm or sam."""
    asked = []

    def measure(specs, *options):
        asked.append([spec.tricks for spec in specs])
        slow = [
            (spec.recipe.norm is not None) + any(w.name == "sam" for w in spec.recipe.wrappers)
            for spec in specs
        ]
        return [2.0**n - 0.2 for n in slow]

    monkeypatch.setattr("runner.planning.probe_run.measured_seconds", measure)
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
    assert "the product of the tricks' time ratios" in answer["prediction"]["source"]
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
    assert of(lr_scale=4.0, smoothing=0.1, epochs=3) == of()
    assert of(["norm"]) != of()
    assert len({of(optimizer=SGD(lr=lr)) for lr in (0.1, 0.2)}) == 1
    older = {name: value for name, value in to_json(Recipe()).items() if name != "eval_scale"}
    assert kind(older) == of()


factors = st.lists(st.floats(0.5, 4.0), min_size=len(PARTS), max_size=len(PARTS))


@given(factors, st.floats(0.1, 100), st.sets(st.sampled_from(PARTS)))
def test_ratios_that_multiply_are_found(factors, base, on):
    ratio = dict(zip(PARTS, factors, strict=True))
    alone = [(of(), base), *((of([part]), base * ratio[part]) for part in PARTS)]
    costs = Costs(alone)
    seconds, how = costs.seconds(recipe(on, epochs=7))
    assert seconds == pytest.approx(7 * base * math.prod(ratio[part] for part in on))
    assert how == ("alike" if len(on) < 2 else "ratios")


def test_a_part_that_was_never_seen_is_taken_as_its_size_is():
    costs = Costs([(of(), 1.0), (of(["norm"]), 3.0)])
    assert costs.seconds(recipe(["clip"])) == (pytest.approx(20.0), "size")
    assert costs.seconds(recipe(model="resnet18")) == (None, "")
    assert mean_seconds(costs, [recipe(), recipe(["clip"])]) == (pytest.approx(15.0), "size")
    assert mean_seconds(costs, [recipe(), recipe(model="resnet18")]) == (None, "")
    assert Costs([]).seconds(recipe()) == (None, "")


@pytest.mark.parametrize(
    "other", [{"resolution": 224}, {"batch_size": 8}, {"width": 0.5}, {"threads": 4}]
)
def test_runs_of_another_size_tell_nothing(other):
    costs = Costs([(of(resolution=32), 1.0), (of(["norm"], resolution=32), 3.0)])
    assert costs.seconds(recipe(resolution=32)) == (pytest.approx(10.0), "alike")
    assert costs.seconds(recipe(**{"resolution": 32, **other})) == (None, "")


def test_ratios_go_from_one_size_to_another_where_both_were_seen():
    small, large = {"resolution": 32}, {"resolution": 64}
    seen = [(of(**small), 1.0), (of(["norm"], **small), 3.0), (of(**large), 4.0)]
    assert Costs(seen).seconds(recipe(["norm"], **large)) == (pytest.approx(120.0), "ratios")
    # Without the small baseline the trick's ratio and the size's cannot be told apart.
    assert Costs(seen[1:]).seconds(recipe(["norm"], **large)) == (pytest.approx(40.0), "size")


def test_a_smoke_run_at_few_pixels_says_nothing_of_many(cli, stub, monkeypatch):
    smoke = ("run", "--tricks", "warmup", "--seeds", "1", "--workers", "2", "--set")
    assert cli(*smoke, "resolution=8").code == 0
    line = (*smoke, "resolution=64", "--name", "large")
    answer = cli(*line, "--dry-run", "--json").json
    assert answer["predicted_hours"] is None
    reason = answer["predicted_hours_reason"]
    assert "with this model, width, stem, resolution, batch size and threads is recorded" in reason
    assert "--estimate measures a few steps" in reason
    measured = []
    monkeypatch.setattr(
        "runner.planning.probe_run.predict_seconds",
        lambda specs, *k: measured.append(specs) or 700.0,
    )
    said = cli(*line).out
    assert [spec.recipe.resolution for [spec] in measured] == [64], "it measures before it trains"
    assert "this will take about 11 min 40 s" in said
    plan = ("plan", "--effect", "5", "--sigma", "1", "--tricks", "warmup", "--json", "--set")
    assert cli(*plan, "resolution=32").json["seconds_per_run"] is None
    assert cli(*plan, "resolution=8").json["seconds_per_run"] == pytest.approx(1.2)


def test_a_run_and_its_dry_run_go_by_the_runs_that_are_missing(cli, stub, monkeypatch):
    from runner.launch import preparing

    assert cli("run", "--tricks", "warmup,evonorm", "--seeds", "1").code == 0
    store = Store("results")
    for id, state in store.states().items():
        record = store.read(id)
        if record["recipe"]["norm"]:
            store.remove(id, states=(state,))
            store.commit({**record, "seconds": {**record["seconds"], "total": 600.0}})
    line = ("run", "--tricks", "evonorm,mixup", "--seeds", "2", "--workers", "1", "--name")
    forecast, seen = preparing.hours.forecast, []

    def watched(study, runs, seconds, workers):
        seen.append((runs, seconds))
        return forecast(study, runs, seconds, workers)

    monkeypatch.setattr(preparing.hours, "forecast", watched)
    told = cli(*line, "b", "--dry-run", "--json").json
    assert cli(*line, "b").code == 0
    assert seen == [(told["missing"], pytest.approx(told["prediction"]["seconds_per_run"]))]


def test_many_sizes_are_each_measured(cli, measured):
    tricks = "evonorm,sam,ema,dropout,drop-path,grayscale,random-erasing"
    sizes = ("--factor", "width=0.25,0.5", "--factor", "batch_size=32,64")
    line = ("run", "--grid", "fraction", "--tricks", tricks, *sizes)
    answer = cli(*line, "--dry-run", "--estimate", "--json").json
    assert answer["predicted_hours"] > 0

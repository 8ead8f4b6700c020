"""Factors whose levels each make several edits."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from runner.designs import registry as designs
from runner.designs.factor import arm_levels, compose_levels
from runner.designs.levels import choose_levels, level_factor, read_level
from runner.records.record_schema import read
from runner.records.spec import RunSpec
from runner.studies.asked import Asked, from_stored
from runner.studies.membership import Membership
from runner.studies.recorded import check_extends
from runner.studies.study import build
from tricks import BadInput, Recipe, TrickConflict, compose, parse
from tricks.optimizer.sgd import SGD

BASELINE = Recipe(epochs=5, optimizer=SGD())
NETWORK = {
    "small": "",
    "large": "model=resnet50 + adamw(lr=1e-5, decay=1e-8) + epochs=30 + dropout",
}


def test_a_level_makes_all_its_edits():
    level = read_level("network", "large", NETWORK["large"], BASELINE)
    recipe = compose_levels(BASELINE, [level])
    tricks = [parse("dropout"), parse("adamw(lr=1e-5, decay=1e-8)")]
    expected = dataclasses.replace(BASELINE, model="resnet50", epochs=30)
    assert recipe == compose(expected, tricks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs=5 + epochs=6", "sets epochs twice"),
        ("epochs=-1", "levels.network.x: epochs must be at least 1"),
        ("epoch=5", "did you mean 'epochs'|recipe field"),
        ("transforms=rotation", "without transforms="),
        ("rotaton", "rotation"),
    ],
)
def test_a_level_that_cannot_be_read(text, message):
    with pytest.raises(BadInput, match=message):
        read_level("network", "x", text, BASELINE)


def test_the_reference_is_the_baseline_wherever_it_stands():
    levels = {"large": NETWORK["large"], "small": ""}
    factor, notes = level_factor("network", levels, BASELINE)
    assert [level.name for level in factor.levels] == ["small", "large"]
    assert notes == []


def test_levels_that_come_to_the_same_are_one():
    start = {"pretrained": "", "scratch": "start=scratch", "other": "start=pretrained"}
    factor, notes = level_factor("start", start, BASELINE)  # which starts from scratch
    assert [level.name for level in factor.levels] == ["scratch", "other"]
    assert notes == ["start=pretrained is left out: here it is the same as scratch"]
    gone, _ = level_factor("start", {"pretrained": "", "scratch": "start=scratch"}, BASELINE)
    assert gone is None
    with pytest.raises(BadInput, match="at least two"):
        level_factor("start", {"one": ""}, BASELINE)


def test_two_levels_cannot_set_one_field_to_unlike_values():
    large = read_level("network", "large", NETWORK["large"], BASELINE)
    longer = read_level("length", "longer", "epochs=10", BASELINE)
    with pytest.raises(TrickConflict, match="epochs=30 and epochs=10"):
        compose_levels(BASELINE, [large, longer])
    usual = read_level("length", "usual", "epochs=5", BASELINE)  # the baseline's: asks for nothing
    for order in ([large, usual], [usual, large]):
        assert compose_levels(BASELINE, order).epochs == 30


def test_choosing_of_a_studys_levels():
    held = {
        "network": {"a": "", "b": "epochs=6", "c": "epochs=7"},
        "start": {"x": "", "y": "flip=1"},
    }
    fields = {"network": ["a", "c"], "start": ["none"], "lr_scale": ["1", "2"]}
    levels, others = choose_levels(held, fields)
    assert levels == {"network": {"a": "", "c": "epochs=7"}}
    assert others == {"lr_scale": ["1", "2"]}
    with pytest.raises(BadInput, match="no level 'd'; choose from a, b, c"):
        choose_levels(held, {"network": ["a", "d"]})


def asked(**more):
    levels = {"clipped": {"off": "", "on": "clip-value + fp16"}, "network": NETWORK}
    return Asked(task="digits", tricks=["cosine"], levels=levels, seeds=2, **more)


@pytest.mark.parametrize("grid", [g for g in designs.grids() if g != "fraction"])
def test_every_grid_takes_them(grid):
    study = build(asked(grid=grid))
    assert [f.name for f in study.factors] == ["cosine", "clipped", "network"]
    for arm, spec in study.planned():
        on = {level.name for level in arm_levels(study.factors, arm)}
        assert (spec.recipe.model == "resnet50") == ("large" in on)
        assert (spec.recipe.epochs == 30) == ("large" in on)


def test_a_study_is_read_back_as_it_was():
    first = build(asked(grid="full"))
    again = build(_stored(first))
    assert [s.id for _, s in first.planned()] == [s.id for _, s in again.planned()]


def _stored(study):
    return from_stored(study.as_stored(), Path("study.toml"))


def record(spec):
    return read({"id": spec.id, "state": "ok", **spec.to_json()})


def test_records_of_a_large_grid_are_found_again():
    study = build(asked(grid="full"))
    member = Membership(study)
    planned = list(study.planned())
    found = [member.count(record(spec)) for _, spec in planned]
    assert found == [1] * len(planned)
    other = dataclasses.replace(planned[0][1].recipe, epochs=7)
    spec = RunSpec(planned[0][1].data, other, planned[0][1].seed)
    assert member.count(record(spec)) == 0


@pytest.mark.parametrize("name", ["weight-decay(decay=0.03)", "linear-lr-scaling(batch=32)"])
def test_records_of_what_is_resolved_into_the_optimizer_are_found_again(name):
    study = build(Asked(task="digits", grid="full", tricks=[name, "adamw"], seeds=1))
    member = Membership(study)
    specs = [spec for _, spec in study.planned()]
    assert len({spec.id for spec in specs}) == 4
    assert [member.count(record(spec)) for spec in specs] == [1] * 4


def test_another_meaning_of_a_level_is_another_study():
    study = build(asked(name="mine"))
    check_extends(study, study.as_stored())
    other = asked(name="mine")
    other.levels["network"] = {**NETWORK, "large": "model=resnet18"}
    with pytest.raises(BadInput, match="network=large"):
        check_extends(build(other), study.as_stored())

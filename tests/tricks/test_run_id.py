"""A recipe's checks, and ids: two specs have the same id if and only if they are one training."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.records.json_values import canonical, digest
from runner.records.spec import RunSpec
from tricks import BadInput, Recipe, compose, parse, resolve
from tricks.mix.mixup import MixUp
from tricks.optimizer.adamw import AdamW
from tricks.optimizer.sgd import SGD
from tricks.recipe import FIELDS, differences, identity
from tricks.schedule.step_decay import StepDecay

BASELINE = Recipe(width=0.125, optimizer=SGD(lr=0.025), schedule=StepDecay())
DATA = {"name": "digits", "split": [850, 247]}

# One other value for each field of a recipe: each must give another id.
CHANGES = {
    "model": "resnet50", "width": 0.25, "start": "pretrained", "norm": parse("evonorm"),
    "init": (parse("zero-gamma"),), "epochs": 11, "batch_size": 65, "optimizer": AdamW(lr=0.025),
    "lr_scale": 2.0, "schedule": parse("cosine"), "warmup": parse("warmup"), "resolution": 16,
    "crop": "pad", "flip": True, "transforms": (parse("randaugment"),), "smoothing": 0.1,
    "mixers": (MixUp(),), "precision": "bf16", "threads": 2, "channels_last": True,
    "stream": 1,
    "surgery": (parse("resnet-c"),), "eval_scale": 1.25, "mix_share": 0.9,
    "resizing": parse("progressive-resizing"), "objective": parse("bce"), "average": parse("ema"),
    "predict": parse("flip-tta"),
    "freeze": parse("frozen-backbone"), "groups": parse("no-bias-decay"), "lr_batch": 256,
    "wrappers": (parse("sam"),), "clip": parse("clip-norm"), "parts": 2,
    "margin": 0.5, "normalisation": parse("normalisation"),
    "decay": 0.02, "crop_scale": 0.5, "alternate_flips": True, "repeats": 3,
    "compiled": parse("compile"), "corrected_decay": True, "flip_share": 0.3,
    "stored_side": 16, "stem": 2, "evaluate_every": 2,
    "inputs": (parse("clahe-input"),),
}  # fmt: skip


def spec(recipe=BASELINE, data=DATA, seed=0):
    return RunSpec(data, recipe, seed)


def test_the_id_of_a_known_run():
    """A silently changed default would assign old records to other trainings. If this fails, a part
    of an id was changed: raise the trick's version or SCHEMA.
    """
    every = [
        "warmup", "cosine", "label-smoothing", "mixup", "cutmix", "randaugment", "lars",
        "evonorm", "zero-gamma",
    ]  # fmt: skip
    rates = {"sgd": 0.025, "lars": 2.0, "adamw": 0.01}
    baseline = dataclasses.replace(BASELINE, optimizer=SGD())
    ids = {
        "baseline": spec(resolve(baseline, rates)).id,
        "all": spec(resolve(compose(baseline, map(parse, every)), rates)).id,
        "adamw": spec(resolve(compose(baseline, [parse("adamw")]), rates), seed=7).id,
    }
    assert ids == {
        "baseline": "f994cc2ccc1fca4c",
        "all": "f6c0897a57079891",
        "adamw": "2622ceb1b6f4fa4c",
    }


def test_every_field_enters_the_id():
    assert set(CHANGES) == set(FIELDS)
    ids = {
        name: spec(dataclasses.replace(BASELINE, **{name: value})).id
        for name, value in CHANGES.items()
    }
    assert len({*ids.values(), spec().id}) == len(CHANGES) + 1


def test_data_seed_and_parameters_enter_the_id():
    specs = [
        spec(),
        spec(seed=1),
        spec(data={"name": "digits", "split": [850, 248]}),
        spec(dataclasses.replace(BASELINE, optimizer=SGD(lr=0.025, decay=1e-3))),
        spec(dataclasses.replace(BASELINE, mixers=(MixUp(),))),
        spec(dataclasses.replace(BASELINE, mixers=(MixUp(alpha=0.3),))),
    ]
    assert len({s.id for s in specs}) == len(specs)


def test_a_trick_of_another_version_gives_another_id(monkeypatch):
    recipe = dataclasses.replace(BASELINE, mixers=(MixUp(),))
    before = spec(recipe).id
    monkeypatch.setattr(MixUp, "version", 2)
    assert spec(recipe).id != before


def test_a_number_larger_than_any_float_has_an_id():
    assert spec(data={"name": 10**400}).id != spec(data={"name": 10**400 + 1}).id


def test_equal_numbers_give_one_id():
    def at(alpha):
        return spec(dataclasses.replace(BASELINE, mixers=(MixUp(alpha=alpha),))).id

    assert at(1) == at(1.0)
    assert at(0.1 + 0.2) == at(0.3)
    assert at(0.3) != at(0.30001)
    assert spec(dataclasses.replace(BASELINE, width=0.125)).id == spec().id


def test_names_asked_for_and_order_of_data_do_not_matter():
    one = RunSpec({"a": 1, "b": 2}, BASELINE, 0, ("mixup",))
    two = RunSpec({"b": 2.0, "a": 1}, BASELINE, 0, ())
    assert one.id == two.id


def test_lr_scale_is_multiplied_into_the_lr():
    half = dataclasses.replace(BASELINE, optimizer=SGD(), lr_scale=0.5)
    assert resolve(half, {"sgd": 0.05}) == BASELINE
    assert spec(resolve(half, {"sgd": 0.05})).id == spec().id
    with pytest.raises(BadInput, match=r"no tuned learning rate for sgd: write sgd\(lr=...\)"):
        resolve(half, {"adamw": 1.0})


def test_width_means_nothing_to_other_models():
    other = dataclasses.replace(BASELINE, model="resnet18")
    assert resolve(other, {}).width == 1.0


def test_defaults_stay_out_of_the_id():
    assert identity(Recipe()) == {}
    assert list(identity(Recipe(epochs=3))) == ["epochs"]
    assert differences(Recipe(epochs=3), Recipe()) == {"epochs": (10, 3)}


numbers = st.one_of(st.integers(-(10**9), 10**9), st.floats(-1e12, 1e12))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.text(max_size=5), numbers),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(values)
def test_the_canonical_form_is_its_own(value):
    assert canonical(canonical(value)) == canonical(value)
    assert digest(canonical(value)) == digest(value)


@given(st.integers(-(10**9), 10**9))
def test_whole_floats_are_integers(number):
    assert digest({"x": number}) == digest({"x": float(number)})
    assert digest({"x": number}) != digest({"x": number + 1})


def test_true_is_not_one_and_nan_has_no_id():
    assert digest([True]) != digest([1])
    with pytest.raises(ValueError, match=r"NaN|nan|JSON|integer"):
        digest([float("nan")])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0), ("batch_size", 0), ("threads", 0), ("width", 0.0), ("width", float("nan")),
        ("lr_scale", -1.0), ("lr_scale", float("inf")), ("smoothing", 1.0), ("smoothing", -0.1),
        ("resolution", -1), ("stream", -1), ("start", "warm"), ("crop", "centre"),
        ("precision", "fp8"),
    ],
)  # fmt: skip
def test_a_field_out_of_range_is_bad_input(field, value):
    with pytest.raises(BadInput, match=field):
        Recipe(**{field: value})

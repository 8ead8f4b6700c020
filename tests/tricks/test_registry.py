"""One table over the whole registry, and one over all its pairs."""

from __future__ import annotations

import dataclasses
import itertools
import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.records.spec import RunSpec
from tricks import Recipe, TrickConflict, compose, parse, registry
from tricks.optimizer.sgd import SGD
from tricks.recipe import FIELDS, differences, to_json
from tricks.schedule.step_decay import StepDecay
from tricks.trick import GROUPS, recipe_from_json

BASELINE = Recipe(width=0.125, optimizer=SGD(), schedule=StepDecay(), epochs=1, batch_size=8)
STANDARD = (
    "adamw", "cosine", "cutmix", "evonorm", "label-smoothing",
    "lars", "mixup", "randaugment", "warmup", "zero-gamma",
)  # fmt: skip
# A setting other than the default for each; sgd and step-decay are the baseline's own.
OTHERWISE = {
    "adamw": "adamw(betas=(0.8, 0.95), lr=0.003)", "cutmix": "cutmix(alpha=0.5)",
    "evonorm": "evonorm(group_size=16, kind='b0')",
    "label-smoothing": "label-smoothing(epsilon=0.2)",
    "lars": "lars(lr=2.0, trust=0.01)", "mixup": "mixup(alpha=0.4)",
    "randaugment": "randaugment(magnitude=15, num_ops=3)", "sgd": "sgd(momentum=0.8)",
    "step-decay": "step-decay(milestones=(0.3, 0.6))", "warmup": "warmup(epochs=5.0)",
}  # fmt: skip
NAMES = tuple(registry())
TEXTS = tuple(OTHERWISE.get(n, n) for n in NAMES) + tuple(n for n in STANDARD if n in OTHERWISE)


def test_the_standard_bag():
    assert sorted(n for n, c in registry().items() if c.standard) == list(STANDARD)
    assert {n for n, c in registry().items() if c.factor == "optimizer"} == {"sgd", "lars", "adamw"}


@pytest.mark.parametrize("name", NAMES)
def test_the_card(name):
    trick = registry()[name]
    assert trick.name == name
    assert trick.idea().endswith(".")
    assert len(trick.idea()) < 100
    assert trick.source
    assert trick.group() in GROUPS
    assert all(v is not dataclasses.MISSING for v in trick.parameters().values())
    assert dataclasses.is_dataclass(trick)
    assert trick.__dataclass_params__.frozen


@pytest.mark.parametrize("text", TEXTS)
def test_a_trick_applies(text):
    trick = parse(text)
    recipe = compose(BASELINE, [trick])
    assert compose(BASELINE, [trick]) == recipe
    changed = differences(recipe, BASELINE)
    edits = trick.edits()
    assert set(changed) == {*edits.sets, *edits.adds}
    assert changed
    assert set(changed) <= set(FIELDS)
    assert hash(recipe) == hash(compose(BASELINE, [parse(text)]))


@pytest.mark.parametrize("text", TEXTS)
def test_text_and_json_lead_back(text):
    trick = parse(text)
    assert str(trick) == text
    assert parse(str(trick)) == trick
    recipe = compose(BASELINE, [trick])
    wire = json.loads(json.dumps(to_json(recipe)))
    assert recipe_from_json(wire) == recipe
    spec = RunSpec({"name": "digits"}, recipe, 3, (text,))
    again = RunSpec.from_json(json.loads(json.dumps(spec.to_json())))
    assert again == spec
    assert again.id == spec.id


@pytest.mark.parametrize("name", ["sgd", "step-decay"])
def test_what_the_baseline_has_already_is_a_conflict(name):
    with pytest.raises(TrickConflict, match="changes nothing"):
        compose(BASELINE, [parse(name)])


@pytest.mark.parametrize("pair", list(itertools.combinations(TEXTS[: len(NAMES)], 2)))
def test_every_pair_composes_or_conflicts(pair):
    one, two = map(parse, pair)
    shared = set(one.edits().sets) & set(two.edits().sets)
    if shared:
        with pytest.raises(TrickConflict) as caught:
            compose(BASELINE, [one, two])
        assert all(part in str(caught.value) for part in (one.name, two.name, *shared))
        return
    recipe = compose(BASELINE, [one, two])
    assert recipe == compose(BASELINE, [two, one])
    assert recipe != compose(BASELINE, [one])
    assert recipe != compose(BASELINE, [two])


@given(st.permutations([n for n in STANDARD if n != "adamw"]))
@settings(max_examples=30)
def test_the_order_of_names_does_not_matter(names):
    ordered = compose(BASELINE, map(parse, sorted(names)))
    recipe = compose(BASELINE, map(parse, names))
    assert recipe == ordered
    assert RunSpec({}, recipe, 0).id == RunSpec({}, ordered, 0).id
    assert [item.name for item in recipe.mixers] == ["cutmix", "mixup"]


@given(st.lists(st.sampled_from(STANDARD), unique=True).flatmap(st.permutations))
@settings(max_examples=50)
def test_a_conflict_is_one_in_any_order(names):
    def outcome(chosen):
        try:
            return compose(BASELINE, map(parse, chosen))
        except TrickConflict as conflict:
            return str(conflict)

    assert outcome(names) == outcome(sorted(names))


def test_one_trick_twice_is_a_conflict():
    with pytest.raises(TrickConflict, match="mixup is named twice"):
        compose(BASELINE, [parse("mixup"), parse("mixup(alpha=0.4)")])


def test_what_the_baselines_stack_has_already_is_a_conflict():
    with pytest.raises(TrickConflict):
        compose(compose(BASELINE, [parse("mixup")]), [parse("mixup")])


def test_zero_gamma_needs_a_fresh_network():
    pretrained = dataclasses.replace(BASELINE, start="pretrained")
    with pytest.raises(TrickConflict, match=r"zero-gamma needs start=scratch: .* pretrained"):
        compose(pretrained, [parse("zero-gamma")])


def tiny_splits():
    import torch

    from runner.training.data import Resident, Splits

    source = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (16, 1, 8, 8), generator=source).to(torch.uint8)
    part = Resident(images, torch.arange(16) % 4)
    return Splits(
        train=part, validation=part, test=part, probe=part,
        classes=4, channels=1, mean=(0.5,), std=(0.25,),
    )  # fmt: skip


def train_two_steps(tricks):
    import torch

    from runner.training.loop import train
    from tricks import resolve

    recipe = resolve(compose(BASELINE, tricks), {"sgd": 0.01, "lars": 0.5, "adamw": 0.001})
    torch.set_num_threads(1)
    return train(recipe, tiny_splits(), 0, torch.device("cpu"))


@pytest.mark.parametrize("text", TEXTS)
def test_a_trick_trains_and_repeats_bit_for_bit(text):
    import torch

    one, two = train_two_steps([parse(text)]), train_two_steps([parse(text)])
    assert one.steps == 2
    weights = zip(one.model.state_dict().values(), two.model.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert all(p.isfinite().all() for p in one.model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("pair", list(itertools.combinations(TEXTS[: len(NAMES)], 2)))
def test_every_pair_trains_or_conflicts(pair):
    try:
        training = train_two_steps(map(parse, pair))
    except TrickConflict:
        return
    assert training.steps == 2
    assert all(p.isfinite().all() for p in training.model.parameters())


def test_torch_is_imported_by_training_alone():
    code = (
        "import sys, tricks; from runner.records.spec import RunSpec\n"
        "recipe = tricks.compose(tricks.Recipe(), [tricks.parse(n) for n, c in"
        " tricks.registry().items() if c.factor != 'optimizer' and n != 'step-decay'])\n"
        "RunSpec({}, recipe, 0).id; str(recipe)\n"
        "heavy = {'torch', 'timm', 'torchvision', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

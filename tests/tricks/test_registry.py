"""One table over the whole registry, and one over all its pairs."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.records.spec import RunSpec
from tests.bag import BASELINE, TEACHER, cut_network, ground, on_ground, train_two_steps
from tricks import TrickConflict, compose, parse, registry
from tricks.bag import recipe_from_json
from tricks.recipe import FIELDS, differences, to_json
from tricks.trick import GROUPS

STANDARD = (
    "adamw", "cosine", "cutmix", "evonorm", "label-smoothing",
    "lars", "mixup", "randaugment", "warmup", "zero-gamma",
)  # fmt: skip
# A setting other than the default for each; sgd and step-decay are the baseline's own.
OTHERWISE = {
    "aug-mix": "aug-mix(alpha=0.5, chains=2, severity=5)",
    "aug-mix-jsd": "aug-mix-jsd(chains=2, weight=6.0)",
    "adamuon": "adamuon(decay=0.0, lr=0.01)", "nadamuon": "nadamuon(momentum=0.9)",
    "nadamw": "nadamw(decay=0.0, lr=0.01)", "lawa": "lawa(kept=3, share=0.5)",
    "schedule-free-adamw": "schedule-free-adamw(betas=(0.8, 0.95), decay=0.0)",
    "schedule-free-sgd": "schedule-free-sgd(lr=0.05, momentum=0.8)",
    "three-augment": "three-augment(jitter=0.1)",
    "auto-augment": "auto-augment(policy='svhn')", "brightness": "brightness(amount=0.2, p=0.5)",
    "clahe-input": "clahe-input(limit=3.0, tiles=2)",
    "horizontal-flip": "horizontal-flip(p=0.25)", "vertical-flip": "vertical-flip(p=0.75)",
    "clahe": "clahe(limit=(2.0, 2.0), p=1.0, tiles=4)",
    "color-jitter": "color-jitter(contrast=0.2, hue=0.0, p=0.5)",
    "cutout": "cutout(fill='black', p=0.5, side=0.25)",
    "gaussian-blur": "gaussian-blur(kernel=5.0, p=1.0, sigma=(0.5, 1.0))",
    "gaussian-noise": "gaussian-noise(p=1.0, std=0.05)", "grayscale": "grayscale(p=0.5)",
    "jpeg": "jpeg(p=1.0, quality=(50, 50))",
    "random-erasing": "random-erasing(fill='noise', p=0.5, scale=(0.1, 0.2))",
    "random-resized-crop": "random-resized-crop(scale=0.35)",
    "repeated-augmentation": "repeated-augmentation(repeats=2)",
    "rotation": "rotation(before_crop=True, degrees=5.0, p=0.5)",
    "counterfactual-attention": "counterfactual-attention(finer=2, maps=4)",
    "distillation": f"distillation(teacher={TEACHER!r}, temperature=4.0)",
    "own-weights": "own-weights(file='mine.safetensors')",
    "normalisation": "normalisation(mean=(0.4,), std=(0.2,))",
    "random-crop": "random-crop(margin=0.75)",
    "bce": "bce(over_classes='mean', threshold=0.2)", "blur-pool": "blur-pool(size=5)",
    "drop-block": "drop-block(block_size=3, rate=0.2)", "drop-path": "drop-path(rate=0.5)",
    "dropout": "dropout(rate=0.2)", "ema": "ema(share=0.5)", "focal": "focal(gamma=1.5)",
    "ghost-batch-norm": "ghost-batch-norm(part=4)",
    "larger-evaluation": "larger-evaluation(scale=1.5)", "mixing-off": "mixing-off(share=0.5)",
    "multi-crop": "multi-crop(share=0.75)",
    "progressive-resizing": "progressive-resizing(delay=0.2, initial=0.25, multiple=2)",
    "shift-tta": "shift-tta(rings=1)", "squeeze-excite": "squeeze-excite(reduction=4)",
    "swa": "swa(start=0.5)", "weight-standardisation": "weight-standardisation(group_size=8)",
    "adam": "adam(betas=(0.8, 0.95), decay=0.001)",
    "adamw": "adamw(betas=(0.8, 0.95), lr=0.003)",
    "adaptive-clip": "adaptive-clip(least=0.01, share=0.1)",
    "adopt": "adopt(decay=0.1, lr=0.001)",
    "compile": "compile(backend='eager')",
    "clip-norm": "clip-norm(max_norm=0.5)", "clip-value": "clip-value(limit=0.01)",
    "cutmix": "cutmix(alpha=0.5)",
    "evonorm": "evonorm(group_size=16, kind='b0')",
    "gradient-accumulation": "gradient-accumulation(parts=4)",
    "head-first": "head-first(share=0.5)",
    "label-smoothing": "label-smoothing(epsilon=0.2)",
    "lamb": "lamb(decay=0.0, lr=0.01)",
    "lars": "lars(lr=2.0, trust=0.01)",
    "linear-lr-scaling": "linear-lr-scaling(batch=64)", "lion": "lion(decay=0.2, lr=0.001)",
    "lookahead": "lookahead(every=2, share=0.8)", "mixup": "mixup(alpha=0.4)",
    "muon": "muon(lr=0.01, momentum=0.9)", "nadam": "nadam(decay=0.0, lr=0.01)",
    "one-cycle": "one-cycle(end=100.0, rise=0.5)", "polynomial": "polynomial(power=0.9)",
    "radam": "radam(decay=0.0, lr=0.01)",
    "randaugment": "randaugment(magnitude=15, num_ops=3)", "sam": "sam(rho=0.1)",
    "sgd": "sgd(momentum=0.8)", "sgd-nesterov": "sgd-nesterov(momentum=0.8)",
    "step-decay": "step-decay(milestones=(0.3, 0.6))", "warmup": "warmup(epochs=5.0, start=0.1)",
    "weight-decay": "weight-decay(decay=0.001)", "cosine": "cosine(floor=0.01)",
    "warm-restarts": "warm-restarts(cycles=2, growth=1.0)",
    "warmup-stable-decay": "warmup-stable-decay(decay=0.5, shape='linear')",
}  # fmt: skip
NAMES = tuple(registry())
TEXTS = tuple(OTHERWISE.get(n, n) for n in NAMES) + tuple(n for n in STANDARD if n in OTHERWISE)


def test_the_standard_bag():
    assert sorted(n for n, c in registry().items() if c.standard) == list(STANDARD)
    assert {n for n, c in registry().items() if c.factor == "optimizer"} == {
        "adam", "adamuon", "adamw", "adopt", "lamb", "lars", "lion", "muon", "nadam", "nadamuon",
        "nadamw", "radam", "schedule-free-adamw", "schedule-free-sgd", "sgd", "sgd-nesterov",
    }  # fmt: skip


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
    recipe = on_ground(trick)
    assert on_ground(trick) == recipe
    changed = differences(recipe, ground(trick))
    edits = trick.edits()
    assert set(changed) == {*edits.sets, *edits.adds}
    assert changed
    assert set(changed) <= set(FIELDS)
    assert hash(recipe) == hash(on_ground(parse(text)))


@pytest.mark.parametrize("text", TEXTS)
def test_text_and_json_lead_back(text):
    trick = parse(text)
    assert str(trick) == text
    assert parse(str(trick)) == trick
    recipe = on_ground(trick)
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


@pytest.mark.parametrize("text", TEXTS[: len(NAMES)])
def test_every_pair_composes_or_conflicts(text):
    one = parse(text)
    for other in TEXTS[TEXTS.index(text) + 1 : len(NAMES)]:
        composes_or_conflicts(one, parse(other))


def composes_or_conflicts(one, two):
    shared = set(one.edits().sets) & set(two.edits().sets)
    reasons = () if shared else (*stated(one, two), *stated(two, one))
    if shared or reasons:
        with pytest.raises(TrickConflict) as caught:
            on_ground(one, two)
        message = str(caught.value)
        if shared:
            assert all(part in message for part in (one.name, two.name, "both set"))
        else:
            assert message.endswith(reasons)
        return
    recipe = on_ground(one, two)
    assert recipe == compose(ground(one, two), [two, one])
    edits = one.edits(), two.edits()
    edited = {name for edit in edits for name in (*edit.sets, *edit.adds)}
    assert set(differences(recipe, ground(one, two))) == edited, (one, two)


def stated(one, other):
    """Why `one` cannot be combined with `other`: the reasons of its unmet needs."""
    base = ground(one, other)
    values = {
        name: value for edit in (one.edits(), other.edits()) for name, value in edit.sets.items()
    }
    for edit in (one.edits(), other.edits()):
        for name, item in edit.adds.items():
            values[name] = (*values.get(name, getattr(base, name)), item)
    recipe = dataclasses.replace(base, **values)
    needs = [(getattr(recipe, name), *need) for name, need in one.edits().needs.items()]
    return [
        *(
            reason
            for value, wanted, reason in needs
            if not (wanted(value) if callable(wanted) else value == wanted)
        ),
        *(reason for does, reason in one.edits().acts if not does(recipe)),
    ]


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


@pytest.mark.parametrize("text", TEXTS)
def test_a_trick_trains_and_repeats_bit_for_bit(text, monkeypatch):
    import torch

    monkeypatch.setattr("runner.training.model._network", cut_network)
    one, two = train_two_steps(parse(text)), train_two_steps(parse(text))
    assert one.steps == 2 * len(one.epochs)
    weights = zip(one.model.state_dict().values(), two.model.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert all(p.isfinite().all() for p in one.model.parameters())


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_every_pair_trains_or_conflicts(place, monkeypatch):
    """The trick at `place` with each of those after it."""
    monkeypatch.setattr("runner.training.model._network", cut_network)
    for other in TEXTS[place + 1 : len(NAMES)]:
        try:
            training = train_two_steps(parse(TEXTS[place]), parse(other))
        except TrickConflict:
            continue
        assert training.steps == 2 * len(training.epochs), other
        assert all(p.isfinite().all() for p in training.model.parameters()), other


def test_torch_is_imported_by_training_alone():
    code = (
        "import sys, tricks; from runner.records.spec import RunSpec\n"
        "from tests.bag import on_ground\n"
        f"for text in {TEXTS[: len(NAMES)]!r}:\n"
        "    recipe = on_ground(tricks.parse(text))\n"
        "    RunSpec({}, recipe, 0).id; str(recipe)\n"
        "heavy = {'torch', 'timm', 'torchvision', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

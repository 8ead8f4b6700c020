"""Which weights change, and when, with frozen-backbone and head-first; and starts from scratch."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional as F

from runner.training.model import SmallImageResNet50, build
from runner.training.step import Step
from tricks import BadInput, Recipe, TrickConflict, compose, parse
from tricks.start.frozen_backbone import head

CPU = torch.device("cpu")
TOGETHER = [
    ("sgd(lr=0.1)",), ("lars(lr=1)",), ("lamb(lr=0.01)",), ("muon(lr=0.01)", "no-bias-decay"),
    ("adamw(lr=0.01)", "lookahead", "sam"),
]  # fmt: skip


def networks():
    small = SmallImageResNet50(3, 1, 0.125)
    for stage in (small.layer1, small.layer2, small.layer3, small.layer4):
        del stage[1:]
    return small, timm.create_model("mobilenetv3_small_050", num_classes=3, in_chans=1)


def changed(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


def course(model, texts, steps, renew=4):
    """The state of `model` before and after each step; an epoch of `renew` steps at a time."""
    recipe = compose(Recipe(), map(parse, texts))
    take = Step(recipe, model, steps, CPU)
    states = []
    generator = torch.Generator().manual_seed(0)
    for place in range(steps):
        if place % renew == 0:
            model.eval()  # an evaluation lies between two epochs
            model.train()
        states.append({name: value.clone() for name, value in model.state_dict().items()})
        x = torch.rand(4, 1, 16, 16, generator=generator)
        take(x, F.one_hot(torch.arange(4) % 3, 3).float(), place)
    return [*states, model.state_dict()]


@pytest.mark.parametrize("which", [0, 1])
def test_a_frozen_backbone_stands_still_with_its_norms(which):
    model = networks()[which]
    states = course(model, ["sgd(lr=0.1)", "frozen-backbone"], 6)
    name = {0: "fc", 1: "classifier"}[which]
    assert changed(states[0], states[-1]) == {f"{name}.weight", f"{name}.bias"}
    assert [p.grad is not None for n, p in model.named_parameters()] == [
        n.startswith(name) for n, _ in model.named_parameters()
    ]


@pytest.mark.parametrize("texts", TOGETHER, ids="+".join)
def test_the_backbone_follows_the_head_after_its_share(texts):
    model = networks()[0]
    states = course(model, [*texts, "head-first(share=0.5)"], 6)
    assert changed(states[0], states[3]) == {"fc.weight", "fc.bias"}
    moved = changed(states[3], states[4])
    running = [n for n in states[0] if "running" in n]
    weights = {name for name, p in model.named_parameters()}
    assert {*weights, *running} <= changed(states[3], states[6])
    assert len(moved & weights) > 0.9 * len(weights)
    assert all(module.training for module in model.modules())
    assert all(p.isfinite().all() for p in model.parameters())


def test_head_first_is_plain_training_once_the_backbone_moves():
    """From the step at which all weights are free, the backbone's momentum starts at zero."""
    model = networks()[0]
    states = course(model, ["sgd(lr=0.1, nesterov=False, decay=0)", "head-first(share=0.5)"], 4)
    model.load_state_dict(states[2])
    model.train()
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        x = torch.rand(4, 1, 16, 16, generator=generator)
    model.zero_grad()
    F.cross_entropy(model(x), F.one_hot(torch.arange(4) % 3, 3).float()).backward()
    for name, p in model.named_parameters():
        if not name.startswith("fc"):
            torch.testing.assert_close(states[3][name], p.detach() - 0.1 * p.grad)


def test_the_head_of_a_model_is_what_it_says():
    for name in ("resnet18", "vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"):
        model = timm.create_model(name, num_classes=3)
        names = {id(m): n for n, m in model.named_modules()}
        found = [names[id(module)] for module in head(model)]
        assert found == {"resnet18": ["fc"], "vit_tiny_patch16_224": ["head"]}.get(
            name, ["head", "head_dist"]
        )
    with pytest.raises(BadInput, match="ResNet has no classifier that could be trained alone"):
        head(timm.create_model("resnet18", num_classes=0))
    with pytest.raises(BadInput, match="Linear has no classifier"):
        head(nn.Linear(2, 2))


def test_pretrained_and_from_scratch():
    assert compose(Recipe(), [parse("pretrained")]).start == "pretrained"
    loaded = Recipe(start="pretrained")
    assert compose(loaded, [parse("from-scratch")]) == Recipe()
    for baseline, name in ((Recipe(), "from-scratch"), (loaded, "pretrained")):
        with pytest.raises(TrickConflict, match=f"{name} changes nothing"):
            compose(baseline, [parse(name)])
    with pytest.raises(TrickConflict, match="zero-gamma needs start=scratch"):
        compose(Recipe(), [parse("pretrained"), parse("zero-gamma")])
    with pytest.raises(BadInput, match="no pretrained weights"):
        build(compose(Recipe(), [parse("pretrained")]), 3, 1)


@pytest.mark.parametrize("text", ["head-first(share=0)", "head-first(share=1)"])
def test_a_value_out_of_range_is_bad_input(text):
    with pytest.raises(BadInput, match="head-first"):
        parse(text)

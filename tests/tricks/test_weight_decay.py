"""weight-decay: the decay of the chosen optimizer."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from runner.records.spec import RunSpec
from tests.bag import BASELINE, cut_network, tiny_splits
from tricks import BadInput, compose, parse, registry, resolve

RATES = {"sgd": 0.01, "lars": 0.5, "adamw": 0.001}
OPTIMIZERS = [n for n, cls in registry().items() if cls.factor == "optimizer"]


def resolved(*texts):
    return resolve(compose(BASELINE, [parse(text) for text in texts]), RATES)


@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if n not in ("sgd", "sgd-nesterov")])
def test_it_is_the_same_run_as_with_the_optimizers_own_decay(name):
    other = resolved(name, "weight-decay(decay=0.02)")
    assert other == resolved(f"{name}(decay=0.02)")
    assert RunSpec({}, other, 0).id != RunSpec({}, resolved(name), 0).id


def test_the_order_does_not_matter():
    names = ("weight-decay", "adamw", "linear-lr-scaling", "no-bias-decay")
    assert len({repr(resolved(*order)) for order in itertools.permutations(names)}) == 1


def test_the_baselines_optimizer_decays(monkeypatch):
    from runner.training.step import Step

    recipe = resolved("weight-decay(decay=0.25)")
    splits = tiny_splits()
    model = cut_network(recipe, splits.classes, splits.channels)
    step = Step(recipe, model, 1, torch.device("cpu"))
    assert [group["weight_decay"] for group in step.optimizer.param_groups] == [0.25]


def test_none_is_a_decay_too():
    assert resolved("weight-decay(decay=0.0)").optimizer.decay == 0
    assert resolve(dataclasses.replace(BASELINE, decay=-1.0), RATES) == resolved()


@pytest.mark.parametrize("value", [-0.5, float("nan"), float("inf")])
def test_a_decay_out_of_range(value):
    with pytest.raises(BadInput, match="decay"):
        dataclasses.replace(BASELINE, decay=value)
    if value < 0:
        with pytest.raises(BadInput, match="decay must be at least 0"):
            parse(f"weight-decay(decay={value})")

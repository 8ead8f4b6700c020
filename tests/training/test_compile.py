"""A compiled network is the same network."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from tests.bag import BASELINE, cut_network, tiny_splits
from tricks import compose, parse, resolve
from tricks.errors import BadInput


@pytest.fixture(autouse=True)
def _compiling(monkeypatch):
    monkeypatch.setattr("runner.training.model._network", cut_network)
    monkeypatch.delenv("TORCHDYNAMO_DISABLE")
    with torch._dynamo.config.patch(disable=False):
        yield
    torch.compiler.reset()


def trained(*texts):
    from runner.training.loop import train

    torch.set_num_threads(1)
    recipe = compose(dataclasses.replace(BASELINE, epochs=2), map(parse, texts))
    recipe = resolve(recipe, {"sgd": 0.01, "adamw": 0.001})
    return train(recipe, tiny_splits(), 0, torch.device("cpu"))


@pytest.mark.parametrize("others", [(), ("adamw", "mixup", "ema"), ("sam", "clip-norm")])
def test_traced_and_run_as_it_is_it_ends_at_the_same_weights(others):
    plain = trained(*others).model.state_dict()
    compiled = trained("compile(backend='eager')", *others).model.state_dict()
    assert plain.keys() == compiled.keys()
    for name, weights in plain.items():
        assert torch.equal(weights, compiled[name]), name


def test_the_backend_is_the_one_that_is_named():
    seen = []

    def spy(graph, inputs):
        seen.append(len(inputs))
        return graph.forward

    torch._dynamo.register_backend(spy, name="spy")
    model = parse("compile(backend='spy')").edits().sets["compiled"].wrap(nn.Linear(3, 2))
    model(torch.zeros(1, 3))
    assert seen


def test_an_unknown_backend_is_named():
    with pytest.raises(BadInput, match="'inductr': did you mean inductor"):
        parse("compile(backend='inductr')").wrap(nn.Linear(3, 2))


@pytest.mark.slow
def test_own_kernels_differ_in_last_digits_only():
    plain, compiled = trained(), trained("compile")
    for one, other in zip(plain.epochs, compiled.epochs, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-3)

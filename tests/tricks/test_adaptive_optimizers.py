"""Adam's kin, Lion, LAMB and Muon against NumPy, step by step."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from runner.training.model import SmallImageResNet50
from tests.tricks.stepping import problem, run, same
from tricks import Recipe, TrickConflict, compose, parse, resolve
from tricks.learning_rate import curve
from tricks.optimizer.adam import Adam
from tricks.optimizer.adopt import ADOPT
from tricks.optimizer.lamb import LAMB
from tricks.optimizer.lion import Lion
from tricks.optimizer.muon import Muon
from tricks.optimizer.nadam import NAdam
from tricks.optimizer.no_bias_decay import NoBiasDecay
from tricks.optimizer.radam import RAdam
from tricks.optimizer.sgd import SGD
from tricks.optimizer.sgd_nesterov import SGDNesterov

RATES = [0.01, 0.05, 0.02, 0.02, 0.001, 0.03, 0.01, 0.01]
B1, B2, EPS = 0.8, 0.95, 1e-8


def follow(trick, step_of, rtol=2e-5, atol=1e-6):
    """`step_of(w, gradient, memory, t, lr)` -> the new w agrees with `trick` at every step."""
    start, gradients = problem(len(RATES))
    weights, memories = [w.copy() for w in start], [{} for _ in start]
    found = run(trick, gradients, start, RATES)
    for t, (lr, step, after) in enumerate(zip(RATES, gradients, found, strict=True), 1):
        for i, gradient in enumerate(step):
            weights[i] = step_of(weights[i], gradient, memories[i], t, lr)
        same(after, weights, rtol, atol)


def moments(memory, gradient):
    mean = memory["m"] = B1 * memory.get("m", 0) + (1 - B1) * gradient
    square = memory["v"] = B2 * memory.get("v", 0) + (1 - B2) * gradient**2
    return mean, square


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam_adds_decay_to_the_gradient(decay):
    def step(w, gradient, memory, t, lr):
        mean, square = moments(memory, gradient + decay * w)
        return w - lr * (mean / (1 - B1**t)) / (np.sqrt(square / (1 - B2**t)) + EPS)

    follow(Adam(betas=(B1, B2), decay=decay), step)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_radam_rectifies_once_the_scale_is_known(decay):
    rectified = set()

    def step(w, gradient, memory, t, lr):
        mean, square = moments(memory, gradient)
        w = w * (1 - lr * decay)
        longest = 2 / (1 - B2) - 1
        length = longest - 2 * t * B2**t / (1 - B2**t)
        if length <= 5:
            return w - lr * mean / (1 - B1**t)
        rectified.add(t)
        r = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        return w - lr * np.sqrt(r) * mean / (1 - B1**t) / np.sqrt(square / (1 - B2**t))

    follow(RAdam(betas=(B1, B2), decay=decay), step)
    assert rectified == {6, 7, 8}


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_nadam_looks_ahead(decay):
    def momentum(t):
        return B1 * (1 - 0.5 * 0.96 ** (0.004 * t))

    def step(w, gradient, memory, t, lr):
        now, after = momentum(t), momentum(t + 1)
        product = memory["p"] = memory.get("p", 1) * now
        mean, square = moments(memory, gradient)
        ahead = after * mean / (1 - product * after) + (1 - now) * gradient / (1 - product)
        return w * (1 - lr * decay) - lr * ahead / (np.sqrt(square / (1 - B2**t)) + EPS)

    follow(NAdam(betas=(B1, B2), decay=decay), step)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adopt_scales_by_what_came_before(decay):
    clipped = []

    def step(w, gradient, memory, t, lr):
        if t == 1:
            memory["v"], memory["m"] = gradient**2, 0
            return w
        scaled = gradient / np.maximum(np.sqrt(memory["v"]), 1e-6)
        limit = (t - 1) ** 0.25
        clipped.append(bool((abs(scaled) > limit).any()))
        memory["m"] = B1 * memory["m"] + (1 - B1) * np.clip(scaled, -limit, limit)
        memory["v"] = B2 * memory["v"] + (1 - B2) * gradient**2
        return w * (1 - lr * decay) - lr * memory["m"]

    follow(ADOPT(betas=(B1, B2), decay=decay), step)
    assert any(clipped)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_lion_steps_by_the_sign(decay):
    def step(w, gradient, memory, t, lr):
        mean = memory.get("m", np.zeros_like(w))
        memory["m"] = B2 * mean + (1 - B2) * gradient
        return w * (1 - lr * decay) - lr * np.sign(B1 * mean + (1 - B1) * gradient)

    follow(Lion(betas=(B1, B2), decay=decay), step)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_lamb_steps_in_proportion_to_the_weights(decay):
    def step(w, gradient, memory, t, lr):
        mean, square = moments(memory, gradient)
        update = mean / (1 - B1**t) / (np.sqrt(square / (1 - B2**t)) + 1e-6)
        if w.ndim > 1:
            update = update + decay * w
            update = update * np.sqrt((w**2).sum()) / np.sqrt((update**2).sum())
        return w - lr * update

    follow(LAMB(betas=(B1, B2), decay=decay), step)


def newton_schulz(matrix):
    """Five steps of the quintic iteration in double precision, whichever side is longer."""
    x = matrix / np.sqrt((matrix**2).sum())
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_muon_makes_the_momentum_of_matrices_orthogonal(decay):
    def step(w, gradient, memory, t, lr):
        if w.ndim < 2:  # AdamW, and without Nesterov's momentum
            mean, square = moments(memory, gradient)
            update = mean / (1 - B1**t) / (np.sqrt(square / (1 - B2**t)) + EPS)
            return w * (1 - lr * decay) - lr * update
        buffer = memory["b"] = 0.9 * memory.get("b", 0) + 0.1 * gradient
        matrix = (0.1 * gradient + 0.9 * buffer).reshape(len(w), -1)
        update = 0.2 * np.sqrt(max(matrix.shape)) * newton_schulz(matrix).reshape(w.shape)
        return w * (1 - lr * decay) - lr * update

    # timm iterates in bfloat16, of three digits; entries of the largest step are about 0.01.
    follow(Muon(momentum=0.9, betas=(B1, B2), decay=decay), step, rtol=0, atol=6e-4)


def test_the_head_and_vectors_keep_to_adamw_under_muon():
    model = SmallImageResNet50(10, 1, 0.125)
    trick = Muon()
    groups = NoBiasDecay().split(model)
    optimizer = trick.build(trick.arrange(groups, model))
    told = {
        id(p): (group["use_muon"], group["nesterov"], group["weight_decay"])
        for group in optimizer.param_groups
        for p in group["params"]
    }
    assert len(told) == len(list(model.parameters()))
    for name, p in model.named_parameters():
        matrix = p.ndim == 4 and name != "conv1.weight"  # of one channel: no matrix
        assert told[id(p)] == (matrix, matrix, 0.01 if p.ndim > 1 else 0.0), name


def test_no_bias_decay_goes_by_rank():
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2)
    )
    model.no_weight_decay = lambda: {"2.weight"}
    names = {id(p): name for name, p in model.named_parameters()}
    decaying, others = NoBiasDecay().split(model)
    assert [names[id(p)] for p in decaying["params"]] == ["0.weight"]
    assert sorted(names[id(p)] for p in others["params"]) == [
        "0.bias", "1.bias", "1.weight", "2.bias", "2.weight",
    ]  # fmt: skip
    assert "weight_decay" not in decaying
    optimizer = SGD(lr=1.0, momentum=0.0, decay=0.5).build([decaying, others])
    for p in model.parameters():
        torch.nn.init.ones_(p)
        p.grad = torch.zeros_like(p)
    optimizer.step()
    assert {name: p.mean().item() for name, p in model.named_parameters()} == {
        "0.weight": 0.5, "0.bias": 1, "1.weight": 1, "1.bias": 1, "2.weight": 1, "2.bias": 1,
    }  # fmt: skip


def test_evonorms_v_does_not_decay():
    model = SmallImageResNet50(10, 1, 0.125)
    parse("evonorm").surgery(model)
    _, others = NoBiasDecay().split(model)
    plain = {id(p) for p in others["params"]}
    found = [id(p) in plain for name, p in model.named_parameters() if name.endswith(".v")]
    assert len(found) > 10
    assert all(found)


@pytest.mark.parametrize("name", ["lars", "lamb"])
def test_no_bias_decay_does_nothing_for_optimizers_that_leave_them_out(name):
    with pytest.raises(TrickConflict, match=f"no-bias-decay cannot stand with optimizer={name}"):
        compose(Recipe(), [parse("no-bias-decay"), parse(name)])


def test_sgd_nesterov_is_sgd_with_nesterov():
    baseline = Recipe(optimizer=SGD(nesterov=False))
    assert compose(baseline, [SGDNesterov()]) == Recipe(optimizer=SGD())
    with pytest.raises(TrickConflict, match="sgd-nesterov changes nothing"):
        compose(Recipe(optimizer=SGD()), [SGDNesterov()])
    assert resolve(compose(baseline, [SGDNesterov()]), {"sgd": 0.3}).optimizer.lr == 0.3


@pytest.mark.parametrize(("name", "lr"), [("adopt", 0.008), ("lion", 0.006), ("nadam", 0.02)])
def test_an_optimizer_without_a_tuned_rate_borrows_adamws(name, lr):
    recipe = compose(Recipe(), [parse(name)])
    assert resolve(recipe, {"adamw": 0.02}).optimizer.lr == pytest.approx(lr)
    assert resolve(recipe, {"adamw": 0.02, name: 0.7}).optimizer.lr == 0.7


def test_linear_scaling_multiplies_the_rate():
    recipe = compose(Recipe(batch_size=64), [SGD(), parse("linear-lr-scaling")])
    scaled = resolve(recipe, {"sgd": 0.4})
    assert curve(scaled, 3) == pytest.approx([0.1] * 3)
    assert curve(dataclasses.replace(scaled, batch_size=20), 1) == pytest.approx([0.4 * 20 / 256])
    with pytest.raises(TrickConflict, match=r"changes nothing here: .* have 64 images"):
        compose(Recipe(batch_size=64), [SGD(), parse("linear-lr-scaling(batch=64)")])

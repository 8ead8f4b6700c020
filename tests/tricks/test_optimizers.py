"""LARS, AdamW and SGD against NumPy, step by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.tricks.stepping import LEARNING_RATES, problem, run, same
from tricks import BadInput, parse
from tricks.optimizer.adamw import AdamW
from tricks.optimizer.lars import LARS, split_by_rank
from tricks.optimizer.sgd import SGD


@pytest.fixture(name="problem")
def gradients_given():
    return problem()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 5e-4, 0.1])
def test_lars_follows_its_equations(problem, momentum, decay):
    start, gradients = problem
    trust = 0.02
    found = run(LARS(momentum=momentum, trust=trust, decay=decay), gradients, start)
    weights = [w.copy() for w in start]
    velocity = [np.zeros_like(w) for w in start]
    for lr, step, after in zip(LEARNING_RATES, gradients, found, strict=True):
        for i, gradient in enumerate(step):
            w = weights[i]
            if w.ndim > 1:
                size, slope = np.sqrt((w**2).sum()), np.sqrt((gradient**2).sum())
                local = trust * size / (slope + decay * size)
                gradient = local * (gradient + decay * w)
            # Vectors and scalars: plain momentum, without decay.
            velocity[i] = momentum * velocity[i] + lr * gradient
            weights[i] = w - velocity[i]
        same(after, weights)


def test_lars_adapts_without_decay_too(problem):
    """timm's default adapts only groups that decay: its step would then be the raw gradient."""
    start, gradients = problem
    first = next(run(LARS(decay=0.0), gradients, start))
    moved = np.linalg.norm(first[0] - start[0]) / np.linalg.norm(start[0])
    assert moved == pytest.approx(0.001 * LEARNING_RATES[0], rel=1e-3)


def test_lars_moves_weights_that_are_zero(problem):
    start, gradients = problem
    start[0] = np.zeros_like(start[0])
    first = next(run(LARS(), gradients, start))
    np.testing.assert_allclose(first[0], -LEARNING_RATES[0] * gradients[0][0], rtol=1e-5)


def test_lars_keeps_the_settings_of_groups():
    weight, bias = torch.zeros(3, 2), torch.zeros(3)
    groups = split_by_rank([{"params": [weight, bias], "weight_decay": 0.3, "lr_factor": 0.1}])
    assert [g["lr_factor"] for g in groups] == [0.1, 0.1]
    assert [g["weight_decay"] for g in groups] == [0.3, 0.0]
    assert [len(g["params"]) for g in groups] == [1, 1]
    assert split_by_rank([bias]) == [
        {"params": [bias], "weight_decay": 0.0, "always_adapt": False}
    ]  # fmt: skip


@pytest.mark.parametrize("decay", [0.0, 0.01, 0.1])
def test_adamw_follows_its_equations(problem, decay):
    start, gradients = problem
    trick = AdamW(betas=(0.8, 0.95), decay=decay)
    rates = [0.01, 0.05, 0.02, 0.02, 0.001]
    weights = [w.copy() for w in start]
    mean = [np.zeros_like(w) for w in start]
    square = [np.zeros_like(w) for w in start]
    found = run(trick, gradients, start, rates)
    for t, (lr, step, after) in enumerate(zip(rates, gradients, found, strict=True), 1):
        for i, gradient in enumerate(step):
            mean[i] = 0.8 * mean[i] + 0.2 * gradient
            square[i] = 0.95 * square[i] + 0.05 * gradient**2
            update = (mean[i] / (1 - 0.8**t)) / (np.sqrt(square[i] / (1 - 0.95**t)) + 1e-8)
            weights[i] = weights[i] * (1 - lr * decay) - lr * update
        same(after, weights)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_follows_its_equations(problem, nesterov):
    start, gradients = problem
    weights, velocity = [w.copy() for w in start], [np.zeros_like(w) for w in start]
    found = run(SGD(nesterov=nesterov, decay=0.01), gradients, start)
    for lr, step, after in zip(LEARNING_RATES, gradients, found, strict=True):
        for i, gradient in enumerate(step):
            gradient = gradient + 0.01 * weights[i]
            velocity[i] = 0.9 * velocity[i] + gradient
            weights[i] = weights[i] - lr * (
                gradient + 0.9 * velocity[i] if nesterov else velocity[i]
            )
        same(after, weights)


@pytest.mark.parametrize("trick", [SGD(lr=0.5), LARS(lr=0.5), AdamW(lr=0.5)])
def test_an_optimizer_starts_at_its_own_lr_and_steps_with_a_closure(trick):
    weight = torch.nn.Parameter(torch.ones(2, 2))
    optimizer = trick.build([{"params": [weight]}])
    assert [group["lr"] for group in optimizer.param_groups] == [0.5]

    def closure():
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4
    assert closure().item() < 4
    assert len(optimizer.state_dict()["state"]) == 1


@pytest.mark.parametrize(
    "text",
    [
        "lars(lr=0)", "lars(momentum=1)", "lars(trust=0)", "lars(decay=-1)", "adamw(lr=-1)",
        "adamw(betas=(0.9,))", "adamw(betas=(0.9, 1.0))", "adamw(eps=0)", "adamw(decay=-0.1)",
        "sgd(momentum=1.0)", "sgd(lr=0)", "sgd(decay=-1)", "adam(lr=0)", "radam(betas=(1, 0))",
        "nadam(eps=0)", "adopt(decay=-1)", "lion(betas=(0.9,))", "lamb(lr=-1)",
        "muon(momentum=1)", "sgd-nesterov(momentum=0)", "sgd-nesterov(decay=-1)", "sam(rho=0)",
        "lookahead(every=0)", "lookahead(share=1)", "clip-norm(max_norm=0)",
        "clip-value(limit=0)", "adaptive-clip(share=0)", "adaptive-clip(least=0)",
        "linear-lr-scaling(batch=0)",
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_bad_input(text):
    with pytest.raises(BadInput, match=text.split("(")[0]):
        parse(text)

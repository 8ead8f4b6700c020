"""Schedule-free, caution, corrected decay, NAdamW, AdaMuon, LAWA, 3-Augment and AugMix's loss.

Each against NumPy, Pillow, or the library that has it too.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import timm.optim
import torch
from torch import nn

from runner.training.step import Step
from tests.bag import cut_network, train_two_steps
from tests.tricks.stepping import SHAPES, problem, run, same
from tests.tricks.test_adaptive_optimizers import B1, B2, EPS, RATES, follow, moments, newton_schulz
from tricks import Recipe, TrickConflict, compose, parse
from tricks.optimizer.adamuon import AdaMuon
from tricks.optimizer.adamw import AdamW
from tricks.optimizer.lion import Lion
from tricks.optimizer.nadamw import NAdamW
from tricks.optimizer.schedule_free_adamw import ScheduleFreeAdamW
from tricks.optimizer.schedule_free_sgd import ScheduleFreeSGD
from tricks.optimizer.sgd import SGD

CPU = torch.device("cpu")


def schedule_free(start, gradients, beta, decay, beta2=None):
    """y and x after each step, by algorithm 1 of the paper with all three sequences written out."""
    x = z = np.array(start, dtype=float)
    y, square, total = z, 0, 0.0
    for t, (lr, gradient) in enumerate(zip(RATES, gradients, strict=True), 1):
        way = gradient
        if beta2 is not None:
            square = beta2 * square + (1 - beta2) * gradient**2
            way = gradient / (np.sqrt(square) + EPS)
            lr = lr * np.sqrt(1 - beta2**t)
        z = z - lr * way - lr * decay * y
        total += lr**2
        share = lr**2 / total
        x = (1 - share) * x + share * z
        y = (1 - beta) * z + beta * x
        yield y, x


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("beta2", [None, B2])
def test_schedule_free_follows_its_algorithm(decay, beta2):
    trick: ScheduleFreeSGD | ScheduleFreeAdamW = ScheduleFreeSGD(momentum=B1, decay=decay)
    if beta2 is not None:
        trick = ScheduleFreeAdamW(betas=(B1, beta2), decay=decay)
    start, gradients = problem(len(RATES))
    parameters = [nn.Parameter(torch.tensor(p, dtype=torch.float32)) for p in start]
    optimizer = trick.build(parameters)
    expected = [
        list(schedule_free(p, [step[i] for step in gradients], B1, decay, beta2))
        for i, p in enumerate(start)
    ]
    for t, lr in enumerate(RATES):
        for group in optimizer.param_groups:
            group["lr"] = lr
        for p, gradient in zip(parameters, gradients[t], strict=True):
            p.grad = torch.tensor(gradient, dtype=torch.float32)
        optimizer.step()
        same([p.detach().numpy() for p in parameters], [e[t][0] for e in expected], 1e-4, 1e-5)
        counted = [weights.numpy() for _, weights in optimizer.weights()]
        same(counted, [e[t][1] for e in expected], 1e-4, 1e-5)


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def get_classifier(self):
        return self.fc

    def forward(self, x):
        return self.fc(x)


def stepped(recipe, steps=7):
    """A Step of `recipe` on a linear network, after so many steps on the same data."""
    torch.manual_seed(0)
    step = Step(recipe, Line(), steps, CPU)
    draws = torch.Generator().manual_seed(1)
    for place in range(steps):
        x = torch.randn(8, 4, generator=draws)
        step(x, torch.softmax(3 * torch.randn(8, 3, generator=draws), 1), place)
    return step


@pytest.mark.parametrize("name", ["schedule-free-sgd", "schedule-free-adamw"])
def test_the_average_of_schedule_free_is_what_is_evaluated(name):
    recipe = compose(Recipe(schedule=parse("cosine")), [parse(f"{name}(lr=0.1)")])
    assert recipe.schedule is None
    step = stepped(recipe)
    apart = dict(zip(["weight", "bias"], step.optimizer.weights(), strict=True))
    for key, (trained, average) in apart.items():
        evaluated = getattr(step.evaluated.fc, key)
        assert torch.equal(evaluated, average)
        assert not torch.allclose(evaluated, trained)
    assert step.own_statistics(0)
    for other in ("cosine", "ema", "lookahead"):
        with pytest.raises(TrickConflict):
            compose(Recipe(), [parse(name), parse(other)])


@pytest.mark.parametrize(
    ("trick", "theirs"),
    [
        (SGD(nesterov=True, decay=0.0), lambda p: timm.optim.SGDW(
            p, momentum=0.9, nesterov=True, caution=True, weight_decay=0.0)),
        (SGD(nesterov=False, decay=0.0), lambda p: timm.optim.SGDW(
            p, momentum=0.9, caution=True, weight_decay=0.0)),
        (AdamW(decay=0.1), lambda p: timm.optim.AdamWLegacy(p, caution=True, weight_decay=0.1)),
        (Lion(decay=0.1), lambda p: timm.optim.Lion(p, caution=True, weight_decay=0.1)),
        (NAdamW(decay=0.1), lambda p: timm.optim.NAdamW(p, caution=True, weight_decay=0.1)),
    ],
    ids=["nesterov", "sgd", "adamw", "lion", "nadamw"],
)  # fmt: skip
def test_caution_is_timms(trick, theirs):
    class Built:
        def __init__(self, build):
            self.build = build

    start, gradients = problem(len(RATES))
    ours = Built(lambda p: parse("caution").wrap(trick.build(p)))
    plain = list(run(trick, gradients, start, RATES))
    found = list(run(ours, gradients, start, RATES))
    for after, expected in zip(found, run(Built(theirs), gradients, start, RATES), strict=True):
        same(after, expected, 2e-4, 1e-5)
    assert not np.allclose(found[-1][0], plain[-1][0])


def test_caution_is_for_optimizers_with_momentum():
    for name in ("lars", "muon", "schedule-free-sgd"):
        with pytest.raises(TrickConflict, match=f"caution cannot stand with optimizer={name}"):
            compose(Recipe(), [parse("caution"), parse(name)])
    recipe = compose(Recipe(optimizer=SGD(lr=0.1)), map(parse, ("caution", "sam", "lookahead")))
    assert [item.name for item in recipe.wrappers] == ["caution", "sam", "lookahead"]


def test_corrected_decay_is_timms_of_adamw():
    recipe = compose(
        Recipe(optimizer=AdamW(lr=0.05, decay=0.3)), map(parse, ("cosine", "corrected-decay"))
    )
    step = stepped(recipe)
    torch.manual_seed(0)
    model = Line()
    theirs = timm.optim.AdamWLegacy(
        model.parameters(), lr=max(step.lrs), weight_decay=0.3, corrected_weight_decay=True
    )
    draws = torch.Generator().manual_seed(1)
    for lr in step.lrs:
        theirs.param_groups[0]["lr"] = lr
        x = torch.randn(8, 4, generator=draws)
        y = torch.softmax(3 * torch.randn(8, 3, generator=draws), 1)
        theirs.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        theirs.step()
    torch.testing.assert_close(step.model.fc.weight, model.fc.weight, rtol=1e-4, atol=1e-5)
    plain = stepped(dataclasses.replace(recipe, corrected_decay=False))
    assert not torch.allclose(plain.model.fc.weight, model.fc.weight, rtol=1e-3)


def test_corrected_decay_of_sgd_by_hand():
    """Without momentum and gradient, a step leaves 1 - lr · decay · lr / max(lr) of a weight."""
    recipe = compose(
        Recipe(optimizer=SGD(lr=0.5, momentum=0.0, nesterov=False, decay=0.2)),
        map(parse, ("linear", "corrected-decay")),
    )
    torch.manual_seed(0)
    step = Step(recipe, Line(), 4, CPU)
    start = step.model.fc.bias.detach().clone()
    for place in range(4):
        step.loss = lambda model, x, y: 0 * model(x).sum()
        step(torch.zeros(2, 4), torch.zeros(2, 3), place)
    kept = np.prod([1 - lr * 0.2 * lr / max(step.lrs) for lr in step.lrs])
    torch.testing.assert_close(step.model.fc.bias.detach(), start * float(kept))


def test_corrected_decay_needs_something_to_correct():
    for recipe in (Recipe(optimizer=SGD()), Recipe(schedule=parse("cosine"))):
        with pytest.raises(TrickConflict, match="corrected-decay changes nothing here"):
            compose(recipe, [parse("corrected-decay")])


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_nadamw_looks_ahead_with_constant_betas(decay):
    def step(w, gradient, memory, t, lr):
        mean, square = moments(memory, gradient)
        ahead = B1 * mean + (1 - B1) * gradient
        scale = np.sqrt(square / (1 - B2**t)) + EPS
        return w * (1 - lr * decay) - lr * ahead / (1 - B1**t) / scale

    follow(NAdamW(betas=(B1, B2), decay=decay), step)


@pytest.mark.parametrize("nesterov", [False, True])
def test_adamuon_scales_the_orthogonal_step_by_its_history(nesterov, monkeypatch):
    """With the orthogonal matrix in double precision: in bfloat16 entries near 0 change sign."""
    decay = 0.1

    def straightened(matrix, *_, **__):
        return torch.tensor(newton_schulz(matrix.double().numpy()), dtype=matrix.dtype)

    monkeypatch.setattr(timm.optim.muon, "zeropower_via_newtonschulz", straightened)

    def step(w, gradient, memory, t, lr):
        if w.ndim < 2:
            mean, square = moments(memory, gradient)
            update = mean / (1 - B1**t) / (np.sqrt(square / (1 - B2**t)) + EPS)
            return w * (1 - lr * decay) - lr * update
        buffer = memory["b"] = 0.9 * memory.get("b", 0) + 0.1 * gradient
        way = 0.1 * gradient + 0.9 * buffer if nesterov else buffer
        straight = newton_schulz(way.reshape(len(w), -1)).reshape(w.shape)
        memory["v"] = B2 * memory.get("v", 0) + (1 - B2) * straight**2
        scaled = straight / (np.sqrt(memory["v"]) + EPS)
        scaled = scaled * 0.2 * np.sqrt(w.size) / np.sqrt((scaled**2).sum())
        return w * (1 - lr * decay) - lr * scaled

    trick = AdaMuon(momentum=0.9, betas=(B1, B2), decay=decay, nesterov=nesterov)
    follow(trick, step, rtol=1e-4, atol=1e-4)


def test_nadamuon_is_adamuon_with_nesterov():
    assert compose(Recipe(), [parse("nadamuon(lr=0.1)")]) == compose(
        Recipe(), [parse("adamuon(lr=0.1, nesterov=True)")]
    )


@pytest.mark.parametrize("half", ["fp16", "bf16"])
@pytest.mark.parametrize(
    "name",
    [
        "adamuon", "aug-mix-jsd", "caution", "corrected-decay", "lawa", "nadamuon", "nadamw",
        "schedule-free-adamw", "schedule-free-sgd", "three-augment",
    ],
)  # fmt: skip
def test_each_trains_in_half_precision(name, half, monkeypatch):
    monkeypatch.setattr("runner.training.model._network", cut_network)
    training = train_two_steps(parse(name), parse(half))
    full = train_two_steps(parse(name))
    assert all(p.isfinite().all() for p in training.model.parameters())
    assert training.epochs[0]["loss"] == pytest.approx(full.epochs[0]["loss"], rel=0.05)


@pytest.mark.parametrize(
    "text",
    [
        "schedule-free-sgd(momentum=0)", "schedule-free-adamw(betas=(0, 0.9))", "nadamw(lr=0)",
        "adamuon(momentum=1)", "nadamuon(decay=-1)", "lawa(kept=1)", "lawa(share=0)",
        "three-augment(jitter=2)", "aug-mix-jsd(weight=0)", "aug-mix-jsd(severity=0)",
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_bad_input(text):
    from tricks import BadInput

    with pytest.raises(BadInput, match=text.partition("(")[0]):
        parse(text)


def test_the_shapes_of_the_problem_have_matrices_and_vectors():
    assert {len(shape) for shape in SHAPES} >= {0, 1, 2, 4}

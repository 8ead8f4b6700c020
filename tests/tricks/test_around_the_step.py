"""SAM, lookahead and cycled momentum, each by hand or against NumPy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from runner.training.step import Step
from tests.tricks.two_pixels import CPU, PLAIN, agree, batches, clipped, gradient, stepped
from tricks import Recipe, compose, parse
from tricks.optimizer.adamw import AdamW
from tricks.optimizer.clip_norm import ClipNorm
from tricks.optimizer.lookahead import Lookahead
from tricks.optimizer.muon import Muon
from tricks.optimizer.sam import SAM
from tricks.optimizer.sgd import SGD


def bowl(wrapper, start, curvature, steps, optimizer=PLAIN):
    """The weights of `wrapper` after each step on ½ Σ curvature · w², and its losses."""
    w = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    held = wrapper(optimizer.build([w]))

    def closure():
        held.optimizer.zero_grad()
        loss = (torch.tensor(curvature, dtype=torch.float64) * w**2).sum() / 2
        loss.backward()
        return loss

    told = []
    for _ in range(steps):
        loss = held.step(closure).item()
        told.append((w.tolist(), loss))
    return told


def test_sam_by_hand():
    # w = (3, 4), gradient w, climb 0.5 · (0.6, 0.8): the gradient that counts is (3.3, 4.4).
    ((w, loss),) = bowl(SAM(rho=0.5).wrap, [3.0, 4.0], [1.0, 1.0], 1)
    assert w == pytest.approx([2.67, 3.56])
    assert loss == pytest.approx(12.5)
    # Gradient (6, 8) at (6, 4): climb 1 · (0.6, 0.8), there (6.6, 9.6), lr 0.1; then once more.
    (w, _), (again, _) = bowl(SAM(rho=1.0).wrap, [6.0, 4.0], [1.0, 2.0], 2)
    assert w == pytest.approx([5.34, 3.04])
    gradient = np.array([5.34, 6.08])
    top = np.array(w) + gradient / np.sqrt((gradient**2).sum())
    assert again == pytest.approx(np.array(w) - 0.1 * np.array([1, 2]) * top)


def test_sam_climbs_over_all_layers_together_and_momentum_sees_the_top_alone():
    a, b, still = (nn.Parameter(torch.tensor([x])) for x in (3.0, 4.0, 7.0))
    sam = SAM(rho=0.5).wrap(dataclasses.replace(PLAIN, momentum=0.5).build([a, b, still]))

    def closure():
        sam.optimizer.zero_grad()
        loss = (a**2 + b**2).sum() / 2
        loss.backward()
        return loss

    sam.step(closure)
    assert [a.item(), b.item(), still.item()] == pytest.approx([2.67, 3.56, 7.0])
    buffer = sam.optimizer.state[a]["momentum_buffer"]
    assert buffer.item() == pytest.approx(3.3)


def test_lookahead_by_hand():
    # Each fast step is 0.9 of the one before; from 1: 0.9, then 0.81, back to 1 - 0.19 / 2.
    told = bowl(Lookahead(every=2, share=0.5).wrap, [1.0], [1.0], 4)
    assert [w[0] for w, _ in told] == pytest.approx([0.9, 0.905, 0.8145, 0.905**2])
    told = bowl(Lookahead(every=3, share=0.8).wrap, [1.0], [1.0], 3)
    assert told[-1][0] == pytest.approx([1 - 0.8 * (1 - 0.729)])


def test_slow_weights_are_evaluated_only_once_they_have_moved():
    w = nn.Parameter(torch.tensor([1.0]))
    held = Lookahead(every=2, share=0.5).wrap(PLAIN.build([w]))
    evaluated = []
    for _ in range(3):
        w.grad = w.detach().clone()
        held.step()
        evaluated.append(dict(held.weights()).get(w, w).item())
    # Fast: 0.9, then 0.81 and back to 0.905, then 0.8145. The initial weight 1 is never evaluated.
    assert evaluated == pytest.approx([0.9, 0.905, 0.905])


def test_lookahead_around_sam_with_clipped_gradients_and_momentum():
    data = batches(6)
    recipe = compose(
        Recipe(optimizer=SGD(lr=0.5, nesterov=False, decay=0.01)),
        [Lookahead(every=2, share=0.25), SAM(rho=0.2), ClipNorm(max_norm=0.3)],
    )
    assert [item.name for item in recipe.wrappers] == ["sam", "lookahead"]
    now, after, _ = stepped(recipe, data)
    slow = [p.copy() for p in now]
    velocity = [0, 0]
    limits = []
    for step, (x, y) in enumerate(data):
        raw = gradient(*now, x, y)
        limits.append(np.sqrt(sum((g**2).sum() for g in raw)))
        up = clipped(raw, 0.3)
        norm = np.sqrt(sum((g**2).sum() for g in up))
        top = [p + 0.2 * g / norm for p, g in zip(now, up, strict=True)]
        counts = clipped(gradient(*top, x, y), 0.3)
        for i in range(2):
            velocity[i] = 0.9 * velocity[i] + counts[i] + 0.01 * now[i]
            now[i] = now[i] - 0.5 * velocity[i]
        if step % 2 == 1:
            slow = [s + 0.25 * (p - s) for s, p in zip(slow, now, strict=True)]
            now = [s.copy() for s in slow]
        agree(after[step], now)
    assert min(limits) > 0.3


@pytest.mark.parametrize("optimizer", [AdamW(lr=0.1), SGD(lr=0.1), Muon(lr=0.1)], ids=str)
def test_one_cycle_moves_momentum(optimizer):
    """Muon's too: of the head, which is all there is here, it is a beta, as AdamW's."""
    data = batches(20)
    recipe = compose(Recipe(), [optimizer, parse("one-cycle(rise=0.5)")])
    now, after, take = stepped(recipe, data)
    memory = [[np.zeros_like(p), np.zeros_like(p)] for p in now]
    product = 1.0
    for step, (x, y) in enumerate(data):
        lr, momentum = take.lrs[step], take.momenta[step]
        product *= momentum
        for i, g in enumerate(gradient(*now, x, y)):
            mean, square = memory[i]
            if optimizer.name == "sgd":
                g = g + 5e-4 * now[i]
                mean[:] = momentum * mean + g
                now[i] = now[i] - lr * (g + momentum * mean)
                continue
            mean[:] = momentum * mean + (1 - momentum) * g
            second = optimizer.betas[1]
            square[:] = second * square + (1 - second) * g**2
            t = step + 1  # torch corrects by the momentum of the step
            update = mean / (1 - momentum**t) / (np.sqrt(square / (1 - second**t)) + 1e-8)
            now[i] = now[i] * (1 - lr * 0.01) - lr * update
        agree(after[step], now)
    assert min(take.momenta) < 0.86 < 0.94 < max(take.momenta)
    for group in take.optimizer.param_groups:
        assert group.get("momentum", take.momenta[-1]) == take.momenta[-1]


def test_sam_counts_a_batch_once():
    """Otherwise a norm behind moving weights would also count the second pass."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 3))
    first = model[1]
    step = Step(compose(Recipe(optimizer=PLAIN), [SAM(rho=0.5)]), model.train(), 1, CPU)
    x, y = torch.randn(8, 1, 1, 2), torch.eye(3)[torch.arange(8) % 3]
    seen = first(x.flatten(1)).detach()
    step(x, y, 0)
    assert model[2].num_batches_tracked == 1
    torch.testing.assert_close(model[2].running_mean, 0.1 * seen.mean(0))
    torch.testing.assert_close(model[2].running_var, 0.9 + 0.1 * seen.var(0))


def test_lookahead_is_evaluated_at_its_slow_weights():
    recipe = compose(Recipe(optimizer=PLAIN), [Lookahead(every=3)])
    _, after, take = stepped(recipe, batches(7))
    slow = dict(take.outer.weights())
    assert not np.allclose(take.model.fc.weight.detach(), slow[take.model.fc.weight])
    assert torch.equal(take.evaluated.fc.weight, slow[take.model.fc.weight])
    assert torch.equal(take.evaluated.fc.bias, slow[take.model.fc.bias])
    np.testing.assert_allclose(after[5][0], slow[take.model.fc.weight])  # where the last way ended
    assert not take.own_statistics(6)

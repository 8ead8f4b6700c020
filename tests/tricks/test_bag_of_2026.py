"""Schedule-free, caution, corrected decay, NAdamW, AdaMuon, LAWA, 3-Augment and AugMix's loss.

Each against NumPy, Pillow, or the library that has it too.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import timm.optim
import torch
from PIL import Image, ImageOps
from timm.loss import JsdCrossEntropy
from torch import nn

from runner.training.augmentation import views
from runner.training.step import Step
from tests.bag import cut_network, on_ground, tiny_splits, train_two_steps
from tests.tricks.stepping import SHAPES, problem, run, same
from tests.tricks.test_adaptive_optimizers import B1, B2, EPS, RATES, follow, moments, newton_schulz
from tricks import Recipe, TrickConflict, compose, parse
from tricks.augment.three_augment import three
from tricks.optimizer.adamuon import AdaMuon
from tricks.optimizer.adamw import AdamW
from tricks.optimizer.lion import Lion
from tricks.optimizer.nadamw import NAdamW
from tricks.optimizer.schedule_free_adamw import ScheduleFreeAdamW
from tricks.optimizer.schedule_free_sgd import ScheduleFreeSGD
from tricks.optimizer.sgd import SGD
from tricks.target.aug_mix_jsd import AugMixJSD, jensen_shannon

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


def test_lawa_is_the_mean_of_the_latest_at_intervals():
    trick, model = parse("lawa(kept=3, share=0.6)"), Line()
    steps = 20  # an interval of 4 steps: after steps 3, 7, 11, 15 and 19
    averaged = trick.begin(model, steps)
    kept = []
    for place in range(steps):
        nn.init.constant_(model.fc.bias, float(place**2))
        trick.update(averaged, model, place, steps)
        if place % 4 == 3:
            kept.append(place**2)
            assert averaged.fc.bias[0].item() == pytest.approx(np.mean(kept[-3:]))
        assert trick.own_statistics(place, steps) == (len(kept) > 1)
    assert kept[-1] == 19**2


def test_three_augment_does_one_of_three_as_pillow_does():
    images = torch.randint(0, 256, (6, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    images = images.to(torch.uint8)
    found = three(images, torch.tensor([0, 1, 2, 1, 0, 2]), torch.full((6,), 1.0))
    for place in (0, 4):
        grey = Image.fromarray(images[place].permute(1, 2, 0).numpy()).convert("L")
        expected = np.asarray(grey).astype(int)
        for channel in found[place]:
            assert abs(channel.numpy().astype(int) - expected).max() <= 1  # Pillow rounds, not cuts
    for place in (1, 3):
        solar = ImageOps.solarize(Image.fromarray(images[place].permute(1, 2, 0).numpy()), 128)
        assert np.array_equal(found[place].permute(1, 2, 0), np.asarray(solar))
    from torchvision.transforms.v2 import functional as F

    for place in (2, 5):
        expected = F.gaussian_blur(images[place], [3, 3], [1.0, 1.0])
        assert (found[place].int() - expected.int()).abs().max() <= 1


def test_three_augment_draws_each_of_the_three_as_often():
    images = torch.full((3000, 3, 4, 4), 200, dtype=torch.uint8)
    images[:, 0] = 20
    trick = parse("three-augment(jitter=0)")
    after = trick.apply(images, torch.Generator().manual_seed(0))
    solar = (after[:, 1, 0, 0] == 55).float().mean().item()
    grey = (after[:, 0, 0, 0] == after[:, 1, 0, 0]).float().mean().item()
    assert solar == pytest.approx(1 / 3, abs=0.03)
    assert grey == pytest.approx(1 / 3, abs=0.03)


def test_the_loss_of_aug_mix_is_timms():
    logits = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 3, 1, 4])
    soft = nn.functional.one_hot(labels, 5).float()
    found = AugMixJSD().loss(lambda x: logits, torch.zeros(12), soft)
    expected = JsdCrossEntropy(num_splits=3, alpha=12, smoothing=0)(logits, labels)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_divergence_by_hand():
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]])
    middle = p.mean(0)
    expected = (p * np.log(p / middle)).sum() / 3
    assert jensen_shannon(torch.tensor(np.log(p)).unsqueeze(1)).item() == pytest.approx(expected)


def test_three_views_go_through_the_network():
    recipe = on_ground(parse("aug-mix-jsd"))
    images = tiny_splits().train.images
    shown = views(images, recipe, 0, 0, 0)
    assert shown.shape == (48, 1, 8, 8)
    assert torch.equal(shown[:16], images)
    assert not torch.equal(shown[16:32], shown[32:])
    assert torch.equal(shown, views(images, recipe, 0, 0, 0))
    assert train_two_steps(parse("aug-mix-jsd")).steps == 2
    for other in ("mixup", "cutmix", "aug-mix", "gradient-accumulation", "bce"):
        with pytest.raises(TrickConflict):
            on_ground(parse("aug-mix-jsd"), parse(other))


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

"""Losses, averages of weights, averages over views, and image sizes: against numbers by hand."""

from __future__ import annotations

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from runner.training import augmentation, evaluation
from tests.bag import BASELINE, on_ground, tiny_splits, train_two_steps
from tricks import BadInput, TrickConflict, compose, parse
from tricks.predict.multi_crop import crops
from tricks.predict.shift_tta import shifts

LOGITS = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
TARGETS = np.array([[0.9, 0.05, 0.05], [0.3, 0.0, 0.7]])


def loss(text):
    def model(x):
        return torch.tensor(LOGITS, requires_grad=True)

    return parse(text).loss(model, None, torch.tensor(TARGETS)).item()


def test_binary_cross_entropy_by_hand():
    p = 1 / (1 + np.exp(-LOGITS))
    losses = -(TARGETS * np.log(p) + (1 - TARGETS) * np.log(1 - p))
    assert loss("bce") == pytest.approx(losses.sum() / 2)
    assert loss("bce(over_classes='mean')") == pytest.approx(losses.sum() / 6)
    hard = np.array([[1, 0, 0], [1, 0, 1]])
    losses = -(hard * np.log(p) + (1 - hard) * np.log(1 - p))
    assert loss("bce(threshold=0.2)") == pytest.approx(losses.sum() / 2)


def test_focal_loss_by_hand():
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    for gamma in (1.0, 2.0, 3.5):
        expected = -(TARGETS * (1 - p) ** gamma * np.log(p)).sum() / 2
        assert loss(f"focal(gamma={gamma})") == pytest.approx(expected)


def test_the_slope_of_the_focal_loss_is_finite_where_all_is_sure():
    logits = torch.tensor([[80.0, 0.0]], requires_grad=True)
    parse("focal(gamma=1)").loss(lambda x: logits, None, torch.tensor([[1.0, 0.0]])).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("text", ["focal", "bce"])
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_losses_are_taken_in_full_precision_under_autocast(text, half):
    logits, targets = torch.tensor(LOGITS).to(half), torch.tensor(TARGETS).float()
    with torch.autocast("cpu", dtype=half):
        found = parse(text).loss(lambda x: logits, None, targets)
    assert torch.equal(found, parse(text).loss(lambda x: logits.float(), None, targets))


class Moving(nn.Module):
    """A weight, a statistic and a count that take the values of a list, one a step."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def move(self, value):
        with torch.no_grad():
            self.weight.fill_(value)
            self.mean.fill_(10 * value)
            self.count.fill_(int(value))


def averages(text, values):
    """The averaged weight after each step; buffers must follow."""
    trick, model = parse(text), Moving()
    averaged = trick.begin(model, len(values))
    assert not averaged.weight.requires_grad
    for place, value in enumerate(values):
        model.move(value)
        trick.update(averaged, model, place, len(values))
        assert averaged.weight[0].item() * 10 == pytest.approx(averaged.mean[0].item(), rel=1e-5)
        assert averaged.count == int(value)
        yield averaged.weight[0].item()


def test_the_closed_form_of_ema():
    values = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 6.0]
    found = list(averages("ema(share=0.5)", values))
    keep = 1 - 1 / (0.5 * 8)
    for n in range(8):
        weights = [keep**n, *((1 - keep) * keep ** (n - k) for k in range(1, n + 1))]
        assert sum(weights) == pytest.approx(1)
        assert found[n] == pytest.approx(np.dot(weights, values[: n + 1]), rel=1e-5)
    # Twice as long a run forgets half as fast a step: after the share it keeps about 1/e.
    long = list(averages("ema(share=0.5)", [1.0, *[0.0] * 999]))
    assert long[500] == pytest.approx(math.exp(-1), rel=0.01)
    # A share below one step is no average.
    assert list(averages("ema(share=0.1)", [1.0, 2.0, 3.0])) == [1, 2, 3]


def test_swa_is_the_mean_from_its_start_on():
    values = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 6.0]
    found = list(averages("swa(start=0.5)", values))
    assert found == pytest.approx([*values[:4], -5, 2, 2, 3])
    assert list(averages("swa(start=0)", values))[-1] == pytest.approx(np.mean(values))


@pytest.mark.parametrize("text", ["ema(share=1.0)", "swa(start=0)"])
def test_what_is_evaluated_is_the_average(text):
    plain, averaged = (
        train_two_steps(parse("cosine")),
        train_two_steps(parse(text), parse("cosine")),
    )
    assert averaged.epochs[0]["loss"] == plain.epochs[0]["loss"]
    assert averaged.epochs[0]["val_loss"] != plain.epochs[0]["val_loss"]
    assert {n for n, _ in averaged.model.named_parameters()} == {
        n for n, _ in plain.model.named_parameters()
    }


class Linear(nn.Module):
    """Logits that are weighted sums of the pixels, for images up to 12 × 12."""

    def __init__(self):
        super().__init__()
        self.weight = np.random.default_rng(0).normal(size=(3, 12, 12))

    def forward(self, x):
        weight = self.weight[:, : x.shape[2], : x.shape[3]]
        return torch.einsum("khw,bhw->bk", torch.tensor(weight), x[:, 0].double()).float()

    def probabilities(self, image):
        logits = (self.weight[:, : image.shape[0], : image.shape[1]] * image).sum((1, 2))
        return np.exp(logits) / np.exp(logits).sum()


def shifted(image, y, x):
    """`image` moved down by y and right by x, the edge repeated."""
    rows = np.clip(np.arange(image.shape[0]) - y, 0, image.shape[0] - 1)
    columns = np.clip(np.arange(image.shape[1]) - x, 0, image.shape[1] - 1)
    return image[rows][:, columns]


def views(text, image):
    if text == "flip-tta":
        return [image, image[:, ::-1]]
    if text == "multi-crop":
        return [image[i : i + 7, j : j + 7] for i, j in ((0, 0), (0, 0), (0, 1), (1, 0), (1, 1))]
    rings = {"shift-tta": (1, 2), "shift-tta(rings=1)": (1,)}[text]
    around = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    return [image, *(shifted(image, r * y, r * x) for r in rings for y, x in around)]


@pytest.mark.parametrize("text", ["flip-tta", "shift-tta", "shift-tta(rings=1)", "multi-crop"])
def test_prediction_is_the_mean_of_probabilities_over_views(text):
    images = np.random.default_rng(1).normal(size=(4, 8, 8)).astype(np.float32)
    model = Linear()
    found = parse(text).predict(model, torch.tensor(images).unsqueeze(1))
    for image, logs in zip(images, found, strict=True):
        expected = np.mean([model.probabilities(view) for view in views(text, image)], axis=0)
        np.testing.assert_allclose(logs.exp(), expected, rtol=1e-4)


def test_the_views_are_16_shifts_and_five_crops():
    images = torch.arange(144.0).reshape(1, 1, 12, 12)
    moved = list(shifts(images, 2))
    assert len(moved) == 17
    assert len({tuple(m.flatten().tolist()) for m in moved}) == 17
    cut = [c[0, 0] for c in crops(images, 0.75)]
    assert [c.shape for c in cut] == [(9, 9)] * 5
    assert [int(c[0, 0]) for c in cut] == [13, 0, 3, 36, 39]


def test_sides_grow_from_the_delay_to_the_end_and_never_vanish():
    from tricks.compute.progressive_resizing import ProgressiveResizing

    usual = ProgressiveResizing()
    assert [usual.pixels(224, p) for p in (0, 0.5, 0.65, 0.8, 1)] == [112, 112, 168, 224, 224]
    for full in (1, 3, 8, 28, 150, 225):
        for multiple in (1, 2, 4, 32):
            trick = ProgressiveResizing(initial=0.1, multiple=multiple)
            sides = [trick.pixels(full, p / 100) for p in range(101)]
            assert sides == sorted(sides)
            assert min(sides) >= 1
            assert sides[80:] == [full] * 21
            assert all(side == full or side % multiple == 0 for side in sides)
    assert ProgressiveResizing(delay=0, full=1).pixels(64, 0.5) == 48


def test_a_batch_takes_the_size_of_its_place_in_the_training():
    recipe = on_ground(parse("progressive-resizing(delay=0, initial=0.5, full=0.5)"))
    x = torch.full((2, 1, 8, 8), 3.0)
    sizes = [augmentation.resize(x, recipe, p).shape[-1] for p in (0.0, 0.25, 0.5, 0.9)]
    assert sizes == [4, 8, 8, 8]
    torch.testing.assert_close(augmentation.resize(x, recipe, 0.0), torch.full((2, 1, 4, 4), 3.0))


@pytest.mark.parametrize(
    ("resolution", "scale", "side"), [(0, 1.5, 12), (16, 1.285, 21), (6, 2, 12)]
)
def test_evaluation_is_on_larger_images_and_training_is_not(resolution, scale, side):
    seen = set()

    class Spy(nn.Module):
        def forward(self, x):
            seen.add(x.shape[-1])
            return torch.zeros(len(x), 4)

    splits, cpu = tiny_splits(), torch.device("cpu")
    recipe = dataclasses.replace(BASELINE, resolution=resolution)
    evaluation.evaluate(Spy(), splits.test, splits, recipe, cpu)
    assert seen == {resolution or 8}
    seen.clear()
    larger = compose(recipe, [parse(f"larger-evaluation(scale={scale})")])
    evaluation.evaluate(Spy(), splits.test, splits, larger, cpu)
    assert seen == {side}


@pytest.mark.parametrize(("share", "epochs", "plain"), [(0.3, 10, 3), (0.45, 100, 45)])
def test_mixing_ends_with_the_last_epochs(monkeypatch, share, epochs, plain):
    from tricks.mix.mixup import MixUp

    monkeypatch.setattr(MixUp, "mix", lambda self, x, y, draws: "mixed")
    recipe = dataclasses.replace(BASELINE, epochs=epochs)
    recipe = compose(recipe, [parse("mixup"), parse(f"mixing-off(share={share})")])
    mixed = [augmentation.mix(1, 2, recipe, 0, epoch, 0) == "mixed" for epoch in range(epochs)]
    assert mixed == [True] * (epochs - plain) + [False] * plain


def test_mixing_off_needs_something_to_switch_off():
    ten = dataclasses.replace(BASELINE, epochs=10)
    with pytest.raises(TrickConflict, match="mixers=none: it needs a trick that mixes images"):
        compose(ten, [parse("mixing-off")])
    short = dataclasses.replace(BASELINE, epochs=9)
    with pytest.raises(TrickConflict, match=r"epochs=9: no epoch lies in the last 0.1"):
        compose(short, [parse("mixing-off"), parse("mixup")])
    assert compose(ten, [parse("mixing-off"), parse("mixup")]).mix_share == 0.9


def test_averaging_copies_and_leaves_the_trained_model_alone():
    model = Moving()
    model.move(2.0)
    before = copy.deepcopy(model.state_dict())
    averaged = parse("ema").begin(model, 10)
    averaged.weight.fill_(5)
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), before.values(), strict=True)
    )


@pytest.mark.parametrize(
    "text",
    [
        "bce(over_classes='max')", "bce(threshold=1)", "focal(gamma=0.5)", "ema(share=0)",
        "swa(start=1)", "shift-tta(rings=0)", "multi-crop(share=1)", "drop-path(rate=0)",
        "drop-block(block_size=4)", "dropout(rate=1)", "blur-pool(size=4)", "mixing-off(share=1)",
        "squeeze-excite(reduction=0)", "ghost-batch-norm(part=1)", "larger-evaluation(scale=1)",
        "weight-standardisation(group_size=1)", "progressive-resizing(initial=1)",
        "progressive-resizing(delay=0.9)", "progressive-resizing(multiple=0)",
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_bad_input(text):
    with pytest.raises(BadInput, match=text.partition("(")[0]) as caught:
        parse(text)
    assert "\n" not in str(caught.value)

"""Tricks on all images in training and evaluation, and shares of flips and turns."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torchvision.transforms.v2 import functional as F

from runner.training.augmentation import augment
from runner.training.evaluation import as_input, evaluate
from runner.training.loop import train
from tests.bag import BASELINE, tiny_splits
from tests.tricks.pictures import draws, pictures
from tricks import BadInput, Recipe, compose, parse, resolve
from tricks.augment.clahe import Clahe

CPU = torch.device("cpu")


def test_grey_input_is_torchvision_s_grey():
    images = pictures(6, 3, 20, 24)
    found = parse("grayscale-input").prepared(images)
    wanted = F.rgb_to_grayscale(images, num_output_channels=3)
    assert (found.int() - wanted.int()).abs().max() <= 1
    grey = pictures(6, 1, 20, 24)
    assert torch.equal(parse("grayscale-input").prepared(grey), grey)


@pytest.mark.parametrize("channels", [1, 3])
def test_clahe_input_is_clahe_of_every_image(channels):
    images = pictures(6, channels, 33, 40)
    found = parse("clahe-input(limit=3.0, tiles=4)").prepared(images)
    wanted = Clahe(limit=(3.0, 3.0), tiles=4, p=1.0).apply(images, draws(0))
    assert torch.equal(found, wanted)
    assert not torch.equal(found, images)


def test_it_acts_in_training_and_in_evaluation_alike():
    splits, plain = tiny_splits(), resolve(BASELINE, {"sgd": 0.01})
    recipe = compose(plain, [parse("clahe-input")])
    prepared = parse("clahe-input").prepared(splits.test.images)
    by_hand = dataclasses.replace(
        splits,
        **{
            name: dataclasses.replace(splits.train, images=prepared)
            for name in ("train", "validation", "test", "probe")
        },
    )
    one, other = train(recipe, splits, 0, CPU), train(plain, by_hand, 0, CPU)
    assert one.epochs == other.epochs
    found = evaluate(one.model, splits.test, splits, recipe, CPU)
    assert found.loss == evaluate(other.model, by_hand.test, by_hand, plain, CPU).loss


def test_grey_comes_before_clahe():
    images = pictures(4, 3, 24, 24)
    recipe = compose(Recipe(), [parse("clahe-input"), parse("grayscale-input")])
    splits = dataclasses.replace(tiny_splits(), channels=3, mean=(0.5,) * 3, std=(0.25,) * 3)
    found = as_input(images, splits, recipe)
    grey, even = parse("grayscale-input"), parse("clahe-input")
    wanted = as_input(even.prepared(grey.prepared(images)), splits, Recipe())
    assert torch.equal(found, wanted)


def test_a_vertical_flip_is_upside_down():
    images = pictures(40, 3, 6, 5)
    assert torch.equal(parse("vertical-flip(p=1.0)").apply(images, draws(0)), images.flip(-2))
    found = parse("vertical-flip(p=0.3)").apply(images, draws(0))
    turned = [torch.equal(a, b.flip(-2)) for a, b in zip(found, images, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(found, images, strict=True)]
    assert all(a or b for a, b in zip(turned, same, strict=True))
    assert 5 <= sum(turned) <= 20


@pytest.mark.parametrize("name", ["brightness", "rotation"])
def test_a_share_of_the_images(name):
    images = pictures(60, 3, 12, 12)
    every = parse(name).apply(images, draws(0))
    some = parse(f"{name}(p=0.4)").apply(images, draws(0))
    changed = [not torch.equal(a, b) for a, b in zip(some, images, strict=True)]
    assert 12 <= sum(changed) <= 36
    for i, whether in enumerate(changed):  # those changed are changed as all would be
        assert torch.equal(some[i], every[i] if whether else images[i])
    one = parse(f"{name}(p=0.0001)").apply(images[:1], draws(0))
    assert torch.equal(one, images[:1])


def test_a_share_of_horizontal_flips():
    images = pictures(100, 1, 4, 4)
    recipe = compose(Recipe(), [parse("horizontal-flip(p=0.2)")])
    found = augment(images, recipe, 0, 0, 0)
    turned = sum(torch.equal(a, b.flip(-1)) for a, b in zip(found, images, strict=True))
    assert 8 <= turned <= 35
    always = compose(Recipe(), [parse("horizontal-flip(p=1.0)")])
    assert torch.equal(augment(images, always, 0, 0, 0), images.flip(-1))


@pytest.mark.parametrize(
    "text",
    [
        "vertical-flip(p=0.0)", "horizontal-flip(p=1.5)", "brightness(p=0.0)", "rotation(p=2.0)",
        "clahe-input(limit=0.0)", "clahe-input(tiles=0)",
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_bad_input(text):
    with pytest.raises(BadInput, match=text.partition("(")[0]):
        parse(text)

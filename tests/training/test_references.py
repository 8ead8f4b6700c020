"""Simple references: known answers on made images, the same subset each time, network features."""

import dataclasses

import numpy as np
import pytest
import torch

from runner.images.sources import Resident, Splits
from runner.training import references as module
from runner.training.references import references
from tricks.recipe import Recipe

CPU = torch.device("cpu")


def made(count, side=8, channels=1, seed=0):
    """Three classes by brightness, classes one after the other; the first has most images."""
    shares = np.repeat([0, 1, 2], [count // 2, count // 4, count - count // 2 - count // 4])
    draws = np.random.default_rng(seed).integers(0, 40, (count, channels, side, side))
    images = torch.from_numpy(draws + 80 * shares[:, None, None, None]).to(torch.uint8)
    return Resident(images, torch.from_numpy(shares).long())


def splits(train, validation):
    channels = train.images.shape[1]
    return Splits(train, validation, validation, train, 3, channels, (0.4,) * channels,
                  (0.3,) * channels)  # fmt: skip


def test_what_is_easy_is_all_right_and_the_majority_is_its_share():
    found = {r.name: r for r in references(splits(made(120), made(40, seed=1)), Recipe(), CPU)}
    assert found["nearest neighbour"].right == found["logistic regression"].right == 40
    assert found["majority class"].right == 20
    assert {r.of for r in found.values()} == {"pixels (8×8)", ""}
    assert all((r.images, r.trained_on, r.whole) == (40, 120, True) for r in found.values())


def test_the_nearest_neighbour_is_the_nearest_by_hand():
    train, validation = made(60), made(30, seed=1)
    shuffled = torch.from_numpy(np.random.default_rng(3).permutation(3)[train.labels.numpy()])
    noisy = Resident(train.images, torch.where(torch.arange(60) % 3 == 0, shuffled, train.labels))
    x, y = (s.images.flatten(1).double().numpy() for s in (noisy, validation))
    nearest = ((y[:, None] - x[None]) ** 2).sum(2).argmin(1)
    right = int((noisy.labels.numpy()[nearest] == validation.labels.numpy()).sum())
    found = references(splits(noisy, validation), Recipe(), CPU)
    assert found[0].right == right < 30


def test_of_too_many_images_the_same_few_of_every_class(monkeypatch):
    monkeypatch.setattr(module, "MOST_TRAINING", 40)
    monkeypatch.setattr(module, "MOST_VALIDATION", 20)
    given = splits(made(400), made(200, seed=1))
    found = references(given, Recipe(), CPU)
    assert found == references(given, Recipe(), CPU)
    assert {(r.images, r.trained_on, r.whole) for r in found} == {(20, 40, False)}
    majority = found[2]
    assert majority.right == 10  # half of them, as of all
    assert "of 20 images, trained on 40" in str(majority)


def test_large_images_are_seen_small():
    found = references(splits(made(30, side=50), made(12, side=50, seed=1)), Recipe(), CPU)
    assert found[0].of == "pixels (32×32)"


@pytest.mark.parametrize("model", ["resnet18", "efficientnet_lite0"])
def test_a_pretrained_network_shows_its_pooled_features(model, monkeypatch):
    from runner.training.model import build

    def untrained(recipe, *rest):
        torch.manual_seed(0)
        return build(dataclasses.replace(recipe, start="scratch"), *rest)

    monkeypatch.setattr(module, "build", untrained)
    recipe = Recipe(model=model, start="pretrained", resolution=32)
    train, validation = made(48, 32, 3), made(16, 32, 3, seed=1)
    found = references(splits(train, validation), recipe, CPU)
    assert found[0].of == f"features of {model}"
    assert found[0].right == 16
    x, _ = module._features(train, splits(train, validation), recipe, CPU, 0)
    assert x.shape == (48, {"resnet18": 512, "efficientnet_lite0": 1280}[model])

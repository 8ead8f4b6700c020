"""Random crops of a resized image, and pixels normalised by a recipe's own values."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from runner.training.data import Resident, View, batches
from runner.training.evaluation import as_input
from tests.bag import tiny_splits
from tricks import BadInput, Recipe, parse

CPU = torch.device("cpu")


def crops(view, epoch=0, size=40):
    """Top and left of the crop of each of 64 equal images, whose pixels tell their place."""
    place = torch.arange(size, dtype=torch.uint8)
    image = torch.stack([place.view(-1, 1).expand(size, size), place.expand(size, size)])
    source = Resident(image.expand(64, 2, size, size), torch.zeros(64, dtype=torch.int64))
    ((images, _),) = batches(source, [range(64)], view, CPU, epoch)
    assert images.shape == (64, 2, view.resolution, view.resolution)
    assert (images[:, 0, -1, 0] - images[:, 0, 0, 0] == view.resolution - 1).all()  # not scaled
    return images[:, :, 0, 0].tolist()


def test_a_random_crop_lies_anywhere_in_the_resized_image():
    view = View(30, "random", seed=3, margin=0.75)  # of 40 pixels: 11 places a side
    found = crops(view)
    assert {y for y, _ in found} | {x for _, x in found} == set(range(11))
    assert found == crops(view)
    assert found != crops(view, epoch=1)
    assert found != crops(dataclasses.replace(view, seed=4))


def test_evaluation_takes_the_central_crop():
    assert crops(View(30, "random", margin=0.75)) == [[5, 5]] * 64


def test_a_recipe_normalises_by_values_of_its_own():
    splits = tiny_splits()
    images = splits.train.images
    recipe = Recipe(normalisation=parse("normalisation(mean=(0.4,), std=(0.2,))"))
    expected = (images.numpy() / 255 - 0.4) / 0.2
    np.testing.assert_allclose(as_input(images, splits, recipe), expected, rtol=1e-4, atol=1e-5)
    three = Recipe(normalisation=parse("normalisation(mean=(0.1, 0.2, 0.3))"))
    with pytest.raises(BadInput, match="3 values for images of 1 channels"):
        as_input(images, splits, three)

"""Random crops of a resized image, and pixels normalised by a recipe's own values."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from runner.images.sources import Files, Resident
from runner.training.augmentation import whole
from runner.training.batches import batches
from runner.training.crops import View, box_of, drawn, resized_together
from runner.training.evaluation import as_input
from runner.training.randomness import derive
from runner.training.reading import places
from tests.bag import tiny_splits
from tricks import BadInput, Recipe, parse

CPU = torch.device("cpu")


def crops(view, epoch=0, size=40):
    """Top and left of the crop of each of 64 equal images, whose pixels encode their place."""
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


def turned(tmp_path, kind, crop, degrees=90.0, size=(40, 40), darkest=255):
    """The input of a training for one image, from `darkest` to white, in 12 epochs."""
    some = torch.Generator().manual_seed(0)
    image = torch.randint(darkest, 256, (3, *size), generator=some).to(torch.uint8)
    if kind == "resident":
        source = Resident(image.unsqueeze(0), torch.zeros(1, dtype=torch.int64))
    else:
        F.to_pil_image(image).save(tmp_path / "one.png")
        source = Files((tmp_path / "one.png",), torch.zeros(1, dtype=torch.int64))
    recipe = Recipe(transforms=(parse(f"rotation(degrees={degrees}, before_crop=True)"),))
    view = View(30, crop, seed=5, margin=0.75, smallest=0.5, whole=whole(recipe))
    return [next(batches(source, [[0]], view, CPU, epoch))[0][0] for epoch in range(12)]


@pytest.mark.parametrize("kind", ["resident", "files"])
@pytest.mark.parametrize("crop", ["none", "random", "random-resized"])
def test_an_image_is_turned_before_its_crop(tmp_path, kind, crop):
    found = turned(tmp_path, kind, crop, darkest=9)
    assert all(image.shape == (3, 30, 30) for image in found)
    assert len({image.numpy().tobytes() for image in found}) == 12
    again = turned(tmp_path, kind, crop, darkest=9)
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))


def test_a_crop_after_a_turn_shows_less_black(tmp_path):
    """30 of 40 pixels: the corners of a turned image are outside the crop."""
    whole_turned = turned(tmp_path, "files", "random", degrees=20.0)
    spun = parse("rotation(degrees=20.0)").apply(
        torch.full((12, 3, 30, 30), 255, dtype=torch.uint8), torch.Generator().manual_seed(0)
    )
    before = np.mean([(image == 0).float().mean().item() for image in whole_turned])
    assert before < 0.5 * (spun == 0).float().mean().item()


def test_a_wide_image_is_turned_whole(tmp_path):
    found = turned(tmp_path, "files", "random", size=(40, 80))
    assert all(image.shape == (3, 30, 30) for image in found)


def test_what_turns_before_the_crop_does_not_turn_after():
    from runner.training.augmentation import augment

    images = torch.randint(0, 256, (4, 3, 8, 8), dtype=torch.uint8)
    before = Recipe(transforms=(parse("rotation(before_crop=True)"),))
    assert torch.equal(augment(images, before, 0, 0, 0), images)
    after = Recipe(transforms=(parse("rotation"),))
    assert not torch.equal(augment(images, after, 0, 0, 0), images)


def test_evaluation_turns_nothing(tmp_path):
    image = torch.randint(0, 256, (1, 3, 40, 40), dtype=torch.uint8)
    source = Resident(image, torch.zeros(1, dtype=torch.int64))
    plain = View(30, "random", margin=0.75)
    turning = dataclasses.replace(plain, whole=(parse("rotation(before_crop=True)"),))
    (a, _), (b, _) = (next(batches(source, [[0]], view, CPU)) for view in (plain, turning))
    assert torch.equal(a, b)


@pytest.mark.parametrize("kind", ["resident", "file"])
def test_squeezing_shows_all_of_an_image_in_training_and_evaluation(tmp_path, kind):
    image = torch.randint(0, 256, (3, 40, 90), generator=torch.Generator().manual_seed(0))
    image = image.to(torch.uint8)
    source = Resident(image.unsqueeze(0), torch.zeros(1, dtype=torch.int64))
    if kind == "file":
        F.to_pil_image(image).save(tmp_path / "one.png")
        source = Files((tmp_path / "one.png",), torch.zeros(1, dtype=torch.int64))
    wanted = F.resize(image, [30, 30], antialias=True)
    for seed in (None, 3):
        found = next(batches(source, [[0]], View(30, "squeeze", seed=seed), CPU))[0][0]
        assert torch.equal(found, wanted)
    turn = (parse("rotation(degrees=180.0, before_crop=True)"),)
    turned = next(batches(source, [[0]], View(30, "squeeze", seed=3, whole=turn), CPU))[0][0]
    assert turned.shape == wanted.shape
    assert not torch.equal(turned, wanted)


@pytest.mark.parametrize(("size", "side"), [((32, 32), 32), ((28, 40), 24), ((8, 8), 20)])
def test_a_batch_of_boxes_is_resized_as_each_alone(size, side):
    """In floats, as torchvision resizes on a GPU; its kernel for bytes is a level off at times."""
    some = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 3, *size), generator=some).to(torch.uint8)
    view = View(side, "random-resized", seed=7)
    boxes = [box_of(view, *size, (0, i)) for i in range(40)]
    found = resized_together(images, boxes, side)
    alone = torch.stack([
        F.resized_crop_image(x.float(), *box, [side, side], antialias=True)
        for x, box in zip(images, boxes, strict=True)
    ])  # fmt: skip
    assert (found - alone).abs().max() < 0.501
    ((bytes_, _),) = batches(Resident(images, torch.zeros(40)), [range(40)], view, CPU)
    assert (found.int() - bytes_.int()).abs().max() <= 1


@pytest.mark.parametrize(("size", "side"), [((32, 32), 28), ((28, 40), 24), ((8, 8), 20)])
def test_random_crops_of_a_batch_are_those_of_torchvision(size, side):
    """Resized and cut out together, as each alone; drawn as RandomCrop draws."""
    some = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 3, *size), generator=some).to(torch.uint8)
    view = View(side, "random", seed=7, margin=0.75)
    ((found, _),) = batches(Resident(images, torch.zeros(40)), [range(40)], view, CPU, epoch=2)
    for image, cut, place in zip(images, found, places(view, 2, range(40), 0), strict=True):
        assert torch.equal(cut, drawn(image, view, place, stored=True))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(7, "crop", *place))
            wanted = v2.RandomCrop(side)(F.resize(image, [math.ceil(side / 0.75)]))
        assert torch.equal(cut, wanted)

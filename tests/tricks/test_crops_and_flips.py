"""Crops, flips and repeats: the training's images when these tricks are on."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torchvision.transforms import v2

from runner.images.sources import Files, Resident, Splits
from runner.training import augmentation, feed, loop
from runner.training.batches import batches
from runner.training.crops import View
from runner.training.randomness import derive
from tests.tricks.pictures import draws, pictures
from tricks import TrickConflict, compose, parse
from tricks.optimizer.sgd import SGD
from tricks.recipe import Recipe
from tricks.schedule.step_decay import StepDecay

CPU = torch.device("cpu")
BASE = Recipe(
    width=0.125, optimizer=SGD(lr=0.01), schedule=StepDecay(), epochs=4, batch_size=8
)  # fmt: skip


def seen_in_training(monkeypatch, *texts, count=24, **fields):
    """epoch -> [(place in the training set, image as it enters the mixing step)] of a training."""
    images = (torch.arange(count * 64) * 7 % 251).view(count, 1, 8, 8).to(torch.uint8)
    images[:, 0, 0, 0] = 255
    part = Resident(images, torch.arange(count) % 4)
    splits = Splits(part, part, part, part, 4, 1, (0.5,), (0.25,))
    seen = {}
    kept = augmentation.augment

    def watched(batch, recipe, seed, epoch, step, index):
        out = kept(batch, recipe, seed, epoch, step, index)
        seen.setdefault(epoch, []).extend(zip(index, out, strict=True))
        return out

    monkeypatch.setattr(feed.aug, "augment", watched)
    tiny = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    monkeypatch.setattr(loop, "build", lambda recipe, classes, channels: tiny)
    recipe = compose(dataclasses.replace(BASE, **fields), map(parse, texts))
    loop.train(recipe, splits, 0, CPU)
    return images, seen


def test_alternating_flips_mirror_every_image_in_every_second_epoch(monkeypatch):
    images, seen = seen_in_training(monkeypatch, "alternating-flips")
    sides = []
    for epoch in range(4):
        assert sorted(place for place, _ in seen[epoch]) == list(range(24))
        flipped = {}
        for place, image in seen[epoch]:
            flipped[place] = torch.equal(image, images[place].flip(-1))
            assert flipped[place] or torch.equal(image, images[place])
        sides.append([flipped[place] for place in range(24)])
    assert sides[0] == sides[2]
    assert sides[1] == sides[3] == [not side for side in sides[0]]
    assert 4 < sum(sides[0]) < 20


def test_horizontal_flips_are_drawn_anew(monkeypatch):
    images, seen = seen_in_training(monkeypatch, "horizontal-flip")
    sides = [
        {place: torch.equal(image, images[place].flip(-1)) for place, image in seen[epoch]}
        for epoch in range(4)
    ]
    assert all(sides[0] != other for other in sides[1:])
    assert any(sides[0][place] == sides[1][place] for place in range(24))


def test_the_two_kinds_of_flips_are_alternatives():
    with pytest.raises(TrickConflict, match="both set flip"):
        compose(BASE, map(parse, ("horizontal-flip", "alternating-flips")))
    with pytest.raises(TrickConflict, match="both set crop"):
        compose(BASE, map(parse, ("pad-crop", "random-resized-crop")))


def test_repeats_are_neighbours_each_augmented_anew(monkeypatch):
    _, seen = seen_in_training(monkeypatch, "repeated-augmentation", "pad-crop", "cutout", epochs=2)
    for epoch in range(2):
        places = [place for place, _ in seen[epoch]]
        assert places == [place for place in places[::3] for _ in range(3)]
        assert len(set(places)) == 8  # an epoch keeps its length, so it shows a third
        distinct = {image.numpy().tobytes() for _, image in seen[epoch]}
        assert len(distinct) > 20
    assert {p for p, _ in seen[0]} != {p for p, _ in seen[1]}


def test_pad_crop_shifts_by_up_to_an_eighth(monkeypatch):
    images, seen = seen_in_training(monkeypatch, "pad-crop")
    shifts = set()
    for place, image in seen[0]:
        padded = torch.nn.functional.pad(images[place], (1, 1, 1, 1))
        found = [
            (y, x) for y in range(3) for x in range(3)
            if torch.equal(image, padded[:, y : y + 8, x : x + 8])
        ]  # fmt: skip
        assert len(found) == 1
        shifts.add(found[0])
    assert len(shifts) > 4


def crops(view, order, source):
    return torch.cat([images for images, _ in batches(source, order, view, CPU)])


def test_random_resized_crops_are_torchvisions_with_the_scale_asked_for():
    images = pictures(6, 3, 32, 32)
    source = Resident(images, torch.arange(6))
    found = crops(View(0, "random-resized", 5, smallest=0.35), [[4, 2, 0]], source)
    for place, image in zip((4, 2, 0), found, strict=True):
        torch.manual_seed(derive(5, "crop", 0, place))
        expected = v2.RandomResizedCrop(32, scale=(0.35, 1.0), antialias=True)(images[place])
        assert torch.equal(image, expected)


def test_the_scale_reaches_the_training(monkeypatch):
    views = []
    kept = View.__init__

    def watched(self, *args, **kwargs):
        kept(self, *args, **kwargs)
        views.append(self)

    monkeypatch.setattr(View, "__init__", watched)
    seen_in_training(monkeypatch, "random-resized-crop(scale=0.5)", epochs=1)
    assert (views[0].crop, views[0].smallest, views[0].repeats) == ("random-resized", 0.5, 1)


@pytest.mark.parametrize("kind", ["resident", "files"])
def test_repeats_have_crops_of_their_own(kind, tmp_path):
    images = pictures(4, 3, 40, 40, seed=3)[:3]
    source = Resident(images, torch.arange(3))
    if kind == "files":
        for i, image in enumerate(images):
            v2.functional.to_pil_image(image).save(tmp_path / f"{i}.png")
        source = Files(tuple(tmp_path / f"{i}.png" for i in range(3)), torch.arange(3))
    order = [[0, 0, 0, 1], [1, 1, 2, 2]]  # the copies of an image may lie in two batches
    found = crops(View(16, "random-resized", 0, repeats=3), order, source)
    assert len({image.numpy().tobytes() for image in found}) == 8
    plain = crops(View(16, "random-resized", 0), [[0, 1, 2]], source)
    assert torch.equal(found[[0, 3, 6]], plain)  # the first copy is what it is without repeats


def test_draws_of_a_generator_do_not_depend_on_how_many_are_asked_for():
    """Alternating flips need this: a batch draws as many numbers as its last image needs."""
    long = torch.rand(5000, generator=draws(1))
    for count in (1, 7, 16, 17, 100, 4999):
        assert torch.equal(torch.rand(count, generator=draws(1)), long[:count])

"""The example images that a run keeps for reports."""

from __future__ import annotations

import torch

from runner.images.sources import Resident, Splits
from runner.records import examples
from runner.records.spec import RunSpec
from runner.training.example_images import keep
from tricks import parse
from tricks.bag import find
from tricks.recipe import Recipe
from tricks.trick import compose

DATA = {"task": "made-up", "files": "x"}
IMAGES = torch.arange(8 * 64, dtype=torch.int64).view(8, 1, 8, 8).remainder(256).to(torch.uint8)


def splits(images=IMAGES):
    held = Resident(images, torch.arange(8) % 4)
    channels = images.shape[1]
    return Splits(held, held, held, held, 4, channels, (0.5,) * channels, (0.2,) * channels,
                  names=("a", "b", "c", "d"))  # fmt: skip


def spec(*texts):
    return RunSpec(DATA, compose(Recipe(), map(parse, texts)), 0, texts)


def found(folder):
    return {e.text: e for e in examples.load(examples.folder(folder, DATA))}


def test_each_augmentation_is_kept_alone_beside_the_images(tmp_path):
    keep(spec("mixup(alpha=5.0)", "alternating-flips", "cosine", "warmup"), splits(), tmp_path)
    held = found(tmp_path)
    assert set(held) == {"", "mixup(alpha=5.0)", "alternating-flips"}
    assert held[""].names == ("a", "b", "c", "d")
    plain, flipped = held[""].images, held["alternating-flips"].images
    assert plain.shape == (6, 8, 8, 3)
    assert (plain[0, ..., 0] == IMAGES[0, 0].numpy()).all()
    for before, after in zip(plain, flipped, strict=True):
        assert (after == before).all() or (after == before[:, ::-1]).all()
    assert not (held["mixup(alpha=5.0)"].images == plain).all()


def test_what_is_there_is_not_made_again(tmp_path):
    keep(spec("mixup"), splits(), tmp_path)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    keep(spec("mixup"), splits(torch.zeros_like(IMAGES)), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")} == files


def test_images_that_cannot_be_drawn_end_no_run(tmp_path):
    keep(spec("mixup"), splits(IMAGES.expand(-1, 5, -1, -1)), tmp_path)
    assert found(tmp_path) == {}
    blocked = tmp_path / "file"
    blocked.write_text("")
    keep(spec("mixup"), splits(), blocked)


def test_a_field_of_the_recipe_is_no_augmentation(tmp_path):
    run = RunSpec(DATA, Recipe(), 0, ("epochs=5", find("mixup").name))
    keep(run, splits(), tmp_path)
    assert set(found(tmp_path)) == {"", "mixup"}

"""Training from an image cache: the same to the bit as from the files."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

from runner.images.cache import opened
from runner.images.caching import ready
from runner.images.sources import Cached, Files
from runner.tasks.registry import find
from runner.training.batches import batches
from runner.training.crops import View, resized_box
from tests.bag import outcome
from tricks import compose, parse, resolve

CPU = torch.device("cpu")


def made(folder, sizes):
    """Two classes of images with the given sizes (height, width)."""
    draws = np.random.default_rng(0)
    for i, (height, width) in enumerate(sizes):
        path = folder / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draws.integers(256, size=(height, width, 3), dtype=np.uint8)).save(path)
    return find(f"folder:{folder}")


UNLIKE = [(20 + i % 7, 30 - i % 9) for i in range(24)]
ALIKE = [(18, 18)] * 24


def trained(splits, loaders, *tricks, **settings):
    task = find("folder:x")
    small = {"model": "conv-net-5", "start": "scratch", "resolution": 16, "width": 1 / 16}
    baseline = dataclasses.replace(
        task.baseline, batch_size=8, epochs=2, **{**small, **settings}
    )  # fmt: skip
    recipe = resolve(compose(baseline, [parse(name) for name in tricks]), task.learning_rates)
    found = outcome(recipe, splits, 0, CPU, loaders=loaders)
    epochs = [{k: v for k, v in epoch.items() if k != "seconds"} for epoch in found["epochs"]]
    return found["weights_sha256"], found["predictions"], epochs


@pytest.mark.parametrize(
    ("sizes", "side", "tricks", "settings"),
    [(UNLIKE, 0, ("randaugment",), {}), (UNLIKE, 14, ("random-crop", "rotation"), {}),
     (ALIKE, 0, ("mixup",), {"crop": "none"})],
)  # fmt: skip
def test_the_cache_changes_no_bit(tmp_path, monkeypatch, sizes, side, tricks, settings):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    task = made(tmp_path / "pets", sizes)
    splits, images = task.load(None, None), task.originals(None)
    if "random-crop" in tricks:
        settings = {**settings, "crop": "none"}
    wanted = trained(splits.stored(side, None), 0, *tricks, **settings)
    for room, loaders in ((7_000 / 1e9, 2), (1.0, 0), (1.0, 2)):
        cache = opened(ready(images, side, room, print).cache)
        assert cache.cached > 0
        assert cache.whole == (room == 1)
        cached = splits.stored(side, cache)
        assert isinstance(cached.train, Cached)
        assert trained(cached, loaders, *tricks, **settings) == wanted


def test_a_cache_of_other_files_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    task = made(tmp_path / "pets", UNLIKE)
    cache = opened(ready(task.originals(None), 0, 1.0, print).cache)
    assert isinstance(task.load(None, None).stored(0, cache).train, Cached)
    Image.new("RGB", (9, 9)).save(tmp_path / "pets" / "a" / "0.png")
    assert isinstance(task.load(None, None).stored(0, cache).train, Files)


def test_small_images_of_one_size_are_cut_together(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    task = made(tmp_path / "pets", ALIKE)
    splits = task.load(None, None)
    cached = splits.stored(0, opened(ready(task.originals(None), 0, 1.0, print).cache))
    order = [[3, 1, 2], [0, 5]]
    for side in (12, 16, 18, 31):
        view = View(side, "random-resized")
        pairs = zip(*(batches(s.train, order, view, CPU) for s in (splits, cached)), strict=True)
        for (alone, labels), (together, same) in pairs:
            assert torch.equal(alone, together)
            assert torch.equal(labels, same)
            assert alone.stride() == together.stride()


@given(
    st.integers(1, 600), st.integers(1, 600), st.floats(0.01, 1.0), st.integers(0, 2**40)
)  # fmt: skip
def test_boxes_are_those_of_torchvision(height, width, smallest, seed):
    own = resized_box(height, width, smallest, seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        crop = v2.RandomResizedCrop([8, 8], (smallest, 1.0))
        box = crop.make_params([torch.zeros(3, height, width, dtype=torch.uint8)])
    assert own == (box["top"], box["left"], box["height"], box["width"])


@pytest.mark.parametrize("crop", ["none", "random", "random-resized"])
def test_a_very_long_image_is_cut_before_it_grows(tmp_path, crop):
    import resource

    Image.new("RGB", (1, 5000), (9, 8, 7)).save(tmp_path / "long.png")
    source = Files((tmp_path / "long.png",), torch.zeros(1, dtype=torch.int64))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in (None, 0):
        [(images, _)] = batches(source, [[0]], View(224, crop, seed), CPU)
        assert images.shape == (1, 3, 224, 224)
        assert images[0, :, 100, 100].tolist() == [9, 8, 7]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB

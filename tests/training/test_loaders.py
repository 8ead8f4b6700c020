"""Loader processes stay from pass to pass, and end with the run, however it ends."""

from __future__ import annotations

import functools
import multiprocessing
import time

import pytest
import torch
from torchvision.transforms.v2 import functional as F

from runner.images.sources import Files, Splits
from runner.training.batches import batches
from runner.training.crops import View
from runner.training.loaders import Loaders
from runner.training.loop import train
from tests.tricks.pictures import pictures
from tricks.errors import BadInput

CPU = torch.device("cpu")
VIEW = View(16, "random-resized", seed=1)


@pytest.fixture
def splits(tmp_path):
    paths = tuple(tmp_path / f"{i}.png" for i in range(12))
    for path, image in zip(paths, pictures(12, 3, 40, 40), strict=True):
        F.to_pil_image(image).save(path)
    files = Files(paths, torch.arange(12) % 3)
    few = files.subset(range(3))
    return Splits(files, few, few, files.subset(range(6)), 3, 3, (0.5,) * 3, (0.25,) * 3)


def running():
    return {child.pid for child in multiprocessing.active_children()}


def order(source):
    return [range(i, min(i + 2, len(source))) for i in range(0, len(source), 2)]


def equal(found, wanted):
    return all(
        torch.equal(a, b) for one, other in zip(found, wanted, strict=True)
        for a, b in zip(one, other, strict=True)
    )  # fmt: skip


def test_passes_share_processes_and_are_what_each_is_alone(splits):
    before, seen = running(), set()
    with Loaders(2, splits) as loaders:
        for epoch in range(3):
            for source in (splits.train, splits.validation, splits.probe):
                wanted = list(batches(source, order(source), VIEW, CPU, epoch))
                found = list(batches(source, order(source), VIEW, CPU, epoch, loaders))
                assert equal(found, wanted)
                seen |= running() - before
        assert len(seen) == 2
        assert loaders.cpu > 0
    assert running() == before


def test_images_of_no_part_start_them_anew(splits):
    before = running()
    with Loaders(1, splits) as loaders:
        list(batches(splits.train, order(splits.train), VIEW, CPU, 0, loaders))
        first = running() - before
        other = splits.train.subset([4, 5, 6])
        found = list(batches(other, order(other), VIEW, CPU, 0, loaders))
        assert equal(found, list(batches(other, order(other), VIEW, CPU)))
        second = running() - before
        assert len(first) == len(second) == 1
        assert first != second


def test_another_room_starts_them_anew(splits, monkeypatch):
    before, seen = running(), []
    wanted = list(batches(splits.train, order(splits.train), VIEW, CPU))
    with Loaders(2, splits) as loaders:
        for room in ((2, 4), (1, 1), (2, 1), (0, 0)):
            monkeypatch.setattr("runner.training.batches.ahead", lambda *_, room=room: room)
            found = list(batches(splits.train, order(splits.train), VIEW, CPU, 0, loaders))
            assert equal(found, wanted)
            seen.append(running() - before)
    assert [len(pids) for pids in seen] == [2, 1, 2, 2]  # the last pass did without
    assert seen[2] == seen[3]
    assert not (seen[0] | seen[2]) & seen[1]


def test_a_pass_that_is_left_does_not_disturb_the_next(splits):
    with Loaders(2, splits) as loaders:
        left = batches(splits.train, order(splits.train), VIEW, CPU, 0, loaders)
        next(left)
        wanted = list(batches(splits.probe, order(splits.probe), VIEW, CPU, 1))
        assert equal(batches(splits.probe, order(splits.probe), VIEW, CPU, 1, loaders), wanted)
        with pytest.raises(RuntimeError, match="another pass"):
            next(left)


def test_a_broken_file_is_named_and_the_processes_end_with_the_error(splits, recipe):
    before = running()
    splits.train.paths[5].write_bytes(b"no image")
    small = recipe("random-resized-crop", epochs=1, batch_size=4, resolution=16)
    with pytest.raises(BadInput, match=r"5\.png"), Loaders(2, splits) as loaders:  # noqa: PT012
        try:
            train(small, splits, 0, CPU, loaders)
        finally:
            assert len(running() - before) == 2
    assert running() == before


def test_what_cannot_be_handed_on_is_told_at_once(splits):
    began = time.monotonic()
    with Loaders(1, splits) as loaders, pytest.raises((AttributeError, TypeError, ValueError)):
        list(batches(splits.train, order(splits.train), VIEW, CPU, 0, loaders, act=lambda x: x))
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_they_end_where_a_pass_is_broken_off(splits, error):
    before = running()
    with pytest.raises(error), Loaders(2, splits) as loaders:  # noqa: PT012
        for _ in batches(splits.train, order(splits.train), VIEW, CPU, 0, loaders):
            raise error
    assert running() == before


def test_act_is_done_by_them(splits):
    half = functools.partial(_half, by=2)
    with Loaders(1, splits) as loaders:
        found = list(batches(splits.train, order(splits.train), VIEW, CPU, 0, loaders, act=half))
    alone = batches(splits.train, order(splits.train), VIEW, CPU)
    assert equal(found, [(images // 2, labels) for images, labels in alone])


def _half(images, step, index, by):
    return images // by

"""Images from files: the same whether loader processes or the training augment them."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torchvision.transforms.v2 import functional as F

from runner.images.sources import Files, Splits
from runner.training import augmentation, evaluation, feed, loop
from runner.training.batches import batches, helpers
from runner.training.crops import View
from runner.training.loaders import ALONE, Loaders
from runner.training.loop import train
from tests.tricks.pictures import pictures

CPU = torch.device("cpu")


@pytest.fixture
def files(tmp_path):
    """Twelve colour images of unlike sizes, of three classes."""
    paths = tuple(tmp_path / f"{i}.png" for i in range(12))
    for i, (path, image) in enumerate(zip(paths, pictures(12, 3, 40, 40), strict=True)):
        F.to_pil_image(image[:, : 30 + i % 5, : 28 + i % 7]).save(path)
    return Files(paths, torch.arange(12) % 3)


@pytest.mark.parametrize(
    "tricks",
    [("random-resized-crop", "randaugment", "alternating-flips"),
     ("random-crop", "color-jitter", "gaussian-blur", "repeated-augmentation")],
)  # fmt: skip
def test_loader_processes_change_nothing(files, recipe, tricks, monkeypatch):
    few = files.subset(range(3))
    splits = Splits(files, few, few, few, 3, 3, (0.5,) * 3, (0.25,) * 3)
    monkeypatch.setattr(
        loop, "build",
        lambda *_: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 3)),
    )  # fmt: skip
    small = dataclasses.replace(recipe(*tricks, epochs=2, batch_size=5), resolution=16)
    found = []
    for loaders in (0, 2):
        with Loaders(loaders, splits) as held:
            done = train(small, splits, 0, CPU, held)
        found.append((done.epochs, done.model[1].weight))
        assert 0 < done.seconds["wait"] < done.seconds["train"]
    assert found[0][0] == found[1][0]
    assert torch.equal(found[0][1], found[1][1])


seen: list[int] = []
augment = augmentation.augment


def counted(*arguments, **named):
    seen.append(1)
    return augment(*arguments, **named)


def test_loader_processes_augment_where_they_can(files, recipe, monkeypatch):
    seen.clear()
    monkeypatch.setattr(feed.aug, "augment", counted)
    few = files.subset(range(3))
    splits = Splits(files, few, few, few, 3, 3, (0.5,) * 3, (0.25,) * 3)
    small = dataclasses.replace(recipe("cutout", batch_size=6), resolution=16)
    train(small, splits, 0, CPU, Loaders(1))
    assert seen == []  # in this process
    train(small, splits, 0, CPU)
    assert len(seen) == 2
    assert helpers(files, torch.device("cuda"), Loaders(2)) == 2
    assert helpers(files, torch.device("cuda"), ALONE) == 0


def test_an_evaluation_has_the_same_batches_however_they_are_loaded(files, recipe, monkeypatch):
    """Loaders have parts of a batch each, so that few batches keep all of them busy."""
    monkeypatch.setattr(evaluation, "BATCH", 6)
    monkeypatch.setattr(evaluation, "LOADED", 2)
    sizes, kept = [], evaluation.batches
    monkeypatch.setattr(
        evaluation, "batches",
        lambda source, order, *a, **k: sizes.append(len(order[0])) or kept(source, order, *a, **k),
    )  # fmt: skip
    some = files.subset(range(11))
    small = dataclasses.replace(recipe("random-crop"), resolution=16)
    alone, loaded = (list(evaluation.seen(some, small, CPU, Loaders(n))) for n in (0, 2))
    assert sizes == [6, 2]
    assert [len(labels) for _, labels in loaded] == [6, 5]
    for one, two in zip(alone, loaded, strict=True):
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])
        assert one[0].stride() == two[0].stride()


def test_batches_go_on_from_a_step(files):
    order, view = [[0, 1, 2], [3, 4, 5], [6, 7]], View(16, "random-resized", 1)
    whole = list(batches(files, order, view, CPU))
    rest = list(batches(files, order, view, CPU, first=1))
    assert [len(labels) for _, labels in whole] == [3, 3, 2]
    for one, two in zip(whole[1:], rest, strict=True):
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])


def test_a_report_names_runs_that_waited_for_data():
    import pandas as pd

    from runner.reporting.footprint import spent

    runs = pd.DataFrame({
        "id": ["aaaa", "bbbb", "cccc", "dddd"], "total_seconds": [50.0] * 4,
        "train_seconds": [40.0, 40.0, 40.0, 0.0], "wait_seconds": [1.0, 4.0, 8.0, 0.0],
    })  # fmt: skip
    said = spent(runs)
    assert "In 2 of the runs training waited for data for more than 5 %" in said
    assert "cccc 20 %, bbbb 10 %" in said
    assert "aaaa" not in said
    assert "waited" not in spent(runs.head(1))

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from runner.images.cache import opened
from runner.images.caching import ready
from runner.images.sampling import hold_out_groups
from runner.images.sources import Cached
from runner.tasks.registry import find
from runner.training.batches import batches
from runner.training.crops import View
from runner.training.loaders import Loaders
from tricks import BadInput


def write(path, rows, columns):
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        lines.writerows(rows)
    return path


@pytest.fixture
def animals(tmp_path):
    """Ten animals, four pictures each, two species; the picture's red is its animal."""
    rows = []
    for animal in range(10):
        for shot in range(4):
            name = f"{animal}-{shot}.png"
            Image.fromarray(np.full((8, 9, 3), animal, np.uint8)).save(tmp_path / name)
            rows.append([name, ["lynx", "hare"][animal % 2], f"a{animal}"])
    return write(tmp_path / "animals.csv", rows, ["path", "species", "animal"])


def animals_of(source):
    return {path.name.split("-")[0] for path in source.paths}


def test_a_csv_is_split_stratified(animals):
    splits = find(f"csv:{animals}").load(None, None)
    parts = (splits.train, splits.validation, splits.test)
    assert sum(map(len, parts)) == 40
    assert splits.classes == 2
    for part in parts:
        counts = torch.bincount(part.labels, minlength=2)
        assert abs(counts[0] - counts[1]) <= 1
    for path, label in zip(splits.test.paths, splits.test.labels.tolist(), strict=True):
        assert label == 1 - int(path.name.split("-")[0]) % 2  # hare is class 0, by the alphabet


def test_no_animal_is_on_both_sides(animals):
    splits = find(f"csv:{animals}#animal").load(None, None)
    seen = [animals_of(part) for part in (splits.train, splits.validation, splits.test)]
    assert sum(map(len, seen)) == len(set.union(*seen)) == 10
    assert all(seen)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=60, max_size=120), st.sampled_from([0.15, 0.25, 0.4]))
def test_groups_are_kept_whole(groups, share):
    labels = [i % 2 for i in range(len(groups))]
    try:
        kept, held = hold_out_groups(labels, [str(g) for g in groups], share)
    except BadInput:
        return
    assert sorted(kept + held) == list(range(len(groups)))
    assert not {groups[i] for i in kept} & {groups[i] for i in held}
    assert {labels[i] for i in kept} == {0, 1}


def test_its_own_parts_are_kept(animals, tmp_path):
    rows = list(csv.reader(animals.open()))[1:]
    named = [[*row, ["train", "valid", "test"][i % 3]] for i, row in enumerate(rows)]
    file = write(tmp_path / "parts.csv", named, ["file", "label", "animal", "split"])
    splits = find(f"csv:{file}").load(None, None)
    assert [len(p) for p in (splits.train, splits.validation, splits.test)] == [14, 13, 13]
    with pytest.raises(BadInput, match="group 'a0' is in train and in val"):
        find(f"csv:{file}#animal").load(None, None)


def test_a_class_that_is_in_no_training_image_is_named(animals, tmp_path):
    """It is the last class by name, so the training images alone do not show three classes."""
    rows = [[*row, "train"] for row in list(csv.reader(animals.open()))[1:]]
    for name in ("wolf.png", "hare.png"):
        Image.new("RGB", (8, 9)).save(tmp_path / name)
    rows += [["wolf.png", "wolf", "a0", "test"], ["hare.png", "hare", "a1", "test"]]
    file = write(tmp_path / "parts.csv", rows, ["path", "species", "animal", "split"])
    with pytest.raises(BadInput, match="the class wolf has fewer than 3 training images"):
        find(f"csv:{file}").load(None, None)


def test_the_identity_follows_the_content_not_the_place(animals, tmp_path):
    before = find(f"csv:{animals}").identity(None)
    assert find(f"csv:{animals}#animal").identity(None) != before
    moved = tmp_path.rename(tmp_path.with_name("elsewhere")) / animals.name
    assert find(f"csv:{moved}").identity(None) == before
    moved.write_text(moved.read_text().replace("lynx", "cat"))
    assert find(f"csv:{moved}").identity(None) != before


@pytest.mark.parametrize(
    ("columns", "row", "said"),
    [
        (["path", "label"], ["gone.png", "a"], r"line 2: there is no image .*gone\.png"),
        (["path", "label"], ["here.png", ""], "line 2: no label"),
        (["picture", "label"], ["here.png", "a"], "needs one column called path"),
        (
            ["path", "label", "class"],
            ["here.png", "a", "b"],
            "columns label and class could both be it",
        ),
        (["path", "label", "split"], ["here.png", "a", "tset"], "unknown part 'tset'"),
        (["path", "label", "split"], ["here.png", "a", "test"], "no row has split train"),
    ],
)
def test_a_mistake_in_a_csv_is_one_line(tmp_path, columns, row, said):
    Image.new("RGB", (4, 4)).save(tmp_path / "here.png")
    file = write(tmp_path / "t.csv", [row], columns)
    with pytest.raises(BadInput, match=said) as caught:
        find(f"csv:{file}").identity(None)
    assert "\n" not in str(caught.value)


def test_a_missing_csv_and_column_are_named(animals, tmp_path):
    with pytest.raises(BadInput, match="cannot be read as a CSV"):
        find(f"csv:{tmp_path / 'no.csv'}").identity(None)
    with pytest.raises(BadInput, match="did you mean animal"):
        find(f"csv:{animals}#anmal").identity(None)
    with pytest.raises(BadInput, match="needs a file"):
        find("csv:")


def test_an_unknown_data_set_of_torchvision_shows_close_ones():
    with pytest.raises(BadInput, match="Flowers102"):
        find("torchvision:flowers")


def test_a_missing_data_set_says_how_to_get_it(tmp_path):
    for name in ("torchvision:DTD", "imagenette", "imagenet"):
        with pytest.raises(BadInput, match="fetch it with --download"):
            find(name).identity(tmp_path)


def test_a_data_set_of_torchvision_is_read_by_its_name(tmp_path):
    """EuroSAT is a folder of classes: written here as torchvision unpacks it."""
    for label, name in enumerate(("Forest", "River")):
        folder = tmp_path / "EuroSAT" / "eurosat" / "2750" / name
        folder.mkdir(parents=True)
        for i in range(8):
            Image.new("RGB", (64, 64), (label * 100, i, 0)).save(folder / f"{i}.jpg")
    task = find("torchvision:eurosat")
    assert task.identity(tmp_path)["name"] == "EuroSAT"
    splits = task.load(tmp_path, None)
    assert [len(p) for p in (splits.train, splits.validation, splits.test)] == [12, 2, 2]
    ((images, labels),) = batches(
        splits.test, [[0, 1]], View(32, "none"), torch.device("cpu"), loaders=Loaders(1)
    )
    assert images.shape == (2, 3, 32, 32)
    assert [round(x) // 50 for x in images[:, 0].float().mean((1, 2)).tolist()] == [
        2 * label for label in labels.tolist()
    ]


@pytest.mark.parametrize("side", [0, 20])
def test_a_data_set_of_torchvision_is_cached_like_files(tmp_path, monkeypatch, side):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    for name in ("Forest", "River"):
        folder = tmp_path / "EuroSAT" / "eurosat" / "2750" / name
        folder.mkdir(parents=True)
        for i in range(10):
            pixels = np.random.default_rng(i).integers(256, size=(30, 24 + i, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{i}.jpg")
    task = find("torchvision:eurosat")
    splits = task.load(tmp_path, None)
    cache = opened(ready(task.originals(tmp_path), side, 1.0, print).cache)
    alone, cached = splits.stored(side, None), splits.stored(side, cache)
    for name in ("train", "validation", "test", "probe"):
        sources = getattr(alone, name), getattr(cached, name)
        assert isinstance(sources[1], Cached)
        for i in range(len(sources[0])):
            assert torch.equal(*(source.read(i) for source in sources))


def test_every_named_data_set_is_one_of_torchvisions():
    import inspect

    import torchvision

    from runner.tasks.bundled.torchvision_names import DATASETS

    for name, parts in DATASETS.items():
        known = inspect.signature(getattr(torchvision.datasets, name).__init__).parameters
        for arguments in filter(None, parts):
            assert set(arguments) <= set(known) or "kwargs" in known, name

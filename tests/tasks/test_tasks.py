from __future__ import annotations

import gzip
import random
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from runner.images.sampling import stratified
from runner.tasks.registry import find, names
from runner.training.batches import batches
from runner.training.crops import View
from runner.training.loaders import Loaders
from tests.images.checking import check
from tricks import BadInput

CPU = torch.device("cpu")


def write_image(path, colour, size=(40, 32)):
    """A gradient from `colour`, so that two crops of it differ."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.arange(size[0] * size[1]).reshape(size[1], size[0], 1) % 199
    Image.fromarray(((ramp + colour) % 256).astype(np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes of ten images, in no parts."""
    for name, red in (("cat", 200), ("dog", 40)):
        for i in range(10):
            write_image(tmp_path / "pets" / name / f"{i}.png", (red, i * 10, 0))
    return tmp_path / "pets"


@pytest.fixture
def fashion(tmp_path):
    """Files in Fashion-MNIST's format with 5,200 training and 20 test images of noise."""
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    draws = np.random.default_rng(0)
    for part, count in (("train", 5200), ("t10k", 20)):
        pixels = draws.integers(256, size=(count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        head = struct.pack(">IIII", 2051, count, 28, 28)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 2049, count) + labels.tobytes()
        )
    return tmp_path


def test_an_unknown_task_shows_close_ones():
    with pytest.raises(BadInput, match="did you mean digits"):
        find("digit")
    assert "digits" in names()


def test_tasks_are_torch_free_until_loaded():
    code = (
        "import sys; from runner.tasks.registry import find, names; "
        "find('digits').identity(None); names(); "
        "assert not {'torch', 'sklearn', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_digits_are_split_by_writer_in_the_order_of_the_file():
    from sklearn.datasets import load_digits

    splits = find("digits").load(None, None)
    parts = (splits.train, splits.validation, splits.test)
    assert [len(part) for part in parts] == [850, 247, 700]
    joined = torch.cat([part.images for part in parts]).squeeze(1).float() / 255 * 16
    np.testing.assert_allclose(joined.numpy(), load_digits().images, atol=0.04)
    assert torch.cat([part.labels for part in parts]).tolist() == load_digits().target.tolist()


def test_a_subset_enters_the_identity_and_is_stratified():
    task = find("digits")
    assert task.identity(None) != task.identity(None, 100)
    few = task.load(None, 100).train
    assert torch.bincount(few.labels).tolist() == [10] * 10


@given(st.lists(st.integers(0, 4), min_size=5, max_size=200), st.data())
def test_stratified_keeps_proportions(labels, data):
    kinds = len(set(labels))
    count = data.draw(st.integers(1, len(labels)))
    try:
        chosen = stratified(labels, count)
    except BadInput:
        assert count < kinds
        return
    assert len(set(chosen)) == count
    assert {labels[i] for i in chosen} == set(labels)
    for kind in set(labels):
        share = labels.count(kind) * count / len(labels)
        assert abs(sum(labels[i] == kind for i in chosen) - share) <= kinds


def test_a_smaller_subset_lies_within_a_larger_one():
    labels = [random.Random(0).randrange(5) for _ in range(300)]
    assert set(stratified(labels, 50)) < set(stratified(labels, 120))


def test_more_images_than_there_are_is_refused():
    with pytest.raises(BadInput, match="there are only 850"):
        find("digits").load(None, 851)


def test_missing_fashion_mnist_says_how_to_get_it(tmp_path):
    with pytest.raises(BadInput, match="--download") as caught:
        find("fashion-mnist").identity(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_missing_cifar_says_how_to_get_it(name, tmp_path):
    with pytest.raises(BadInput, match="--download"):
        find(name).identity(tmp_path)


def test_fashion_mnist_holds_out_a_stratified_validation_set(fashion):
    task = find("fashion-mnist")
    splits = task.load(fashion, None)
    assert [len(s) for s in (splits.train, splits.validation, splits.test)] == [200, 5000, 20]
    assert torch.bincount(splits.validation.labels).tolist() == [500] * 10
    assert splits.train.images.shape[1:] == (1, 28, 28)
    held = {image.numpy().tobytes() for image in splits.validation.images}
    assert not held & {image.numpy().tobytes() for image in splits.train.images}


def test_a_broken_fashion_mnist_file_is_named(fashion):
    (fashion / "FashionMNIST/raw/train-images-idx3-ubyte").write_bytes(gzip.compress(b"no"))
    with pytest.raises(BadInput, match="FashionMNIST"):
        find("fashion-mnist").load(fashion, None)


def test_other_files_are_another_identity(fashion):
    task = find("fashion-mnist")
    before = task.identity(fashion)
    file = fashion / "FashionMNIST/raw/t10k-labels-idx1-ubyte"
    file.write_bytes(file.read_bytes() + b"x")
    assert task.identity(fashion) != before


def test_a_folder_without_parts_is_split_stratified(folder):
    splits = find(f"folder:{folder}").load(None, None)
    sizes = [len(s) for s in (splits.train, splits.validation, splits.test)]
    assert sum(sizes) == 20
    for part in (splits.train, splits.validation, splits.test):
        counts = torch.bincount(part.labels, minlength=2)
        assert abs(counts[0] - counts[1]) <= 1
    everything = [*splits.train.paths, *splits.validation.paths, *splits.test.paths]
    assert len(set(everything)) == 20


def test_a_folder_with_parts_keeps_them(tmp_path):
    for part, count in (("train", 6), ("val", 2), ("test", 3)):
        for name in ("a", "b"):
            for i in range(count):
                write_image(tmp_path / part / name / f"{i}.jpg", (i, i, i))
    splits = find(f"folder:{tmp_path}").load(None, None)
    assert [len(s) for s in (splits.train, splits.validation, splits.test)] == [12, 4, 6]
    assert all("test" in path.parts for path in splits.test.paths)


def test_a_moved_folder_has_the_same_identity(folder):
    before = find(f"folder:{folder}").identity(None)
    moved = folder.rename(folder.with_name("moved"))
    assert find(f"folder:{moved}").identity(None) == before


@pytest.mark.parametrize("loaders", [1, 2])
def test_loader_processes_do_not_change_the_images(folder, loaders):
    train = find(f"folder:{folder}").load(None, None).train
    view = View(24, "random-resized", seed=0)
    order = [[0, 1, 2], [3, 4, 5]]
    alone = [x for x, _ in batches(train, order, view, CPU, epoch=1)]
    helped = [x for x, _ in batches(train, order, view, CPU, epoch=1, loaders=Loaders(loaders))]
    assert all(torch.equal(a, b) for a, b in zip(alone, helped, strict=True))
    other = [x for x, _ in batches(train, order, view, CPU, epoch=2)]
    assert not all(torch.equal(a, b) for a, b in zip(alone, other, strict=True))
    assert alone[0].shape == (3, 3, 24, 24)
    assert alone[0].dtype == torch.uint8


def test_a_folder_trains(folder):
    from dataclasses import replace

    from tests.bag import outcome
    from tricks import compose, parse, resolve

    task = find(f"folder:{folder}")
    small = {"model": "resnet10t", "start": "scratch", "resolution": 32, "epochs": 1}
    baseline = replace(task.baseline, **small)
    recipe = resolve(compose(baseline, [parse("randaugment")]), task.learning_rates)
    result = outcome(recipe, task.load(None, None), 0, CPU, loaders=1)
    assert result["state"] == "ok"
    assert result["classes"] == 2


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(BadInput, match="no such folder"):
        find(f"folder:{tmp_path / 'nowhere'}").identity(None)


def test_a_class_without_images_is_named(folder):
    (folder / "emu").mkdir()
    with pytest.raises(BadInput, match=r"emu: a class without images"):
        find(f"folder:{folder}").identity(None)


def test_a_folder_of_one_class_is_refused(tmp_path):
    write_image(tmp_path / "only" / "a.png", (0, 0, 0))
    with pytest.raises(BadInput, match="at least two"):
        find(f"folder:{tmp_path}").identity(None)


def test_parts_with_unlike_classes_are_refused(tmp_path):
    for part, classes in (("train", "ab"), ("test", "ac")):
        for name in classes:
            write_image(tmp_path / part / name / "0.png", (0, 0, 0))
    with pytest.raises(BadInput, match="'b' is in only one"):
        find(f"folder:{tmp_path}").identity(None)


def test_an_unreadable_image_is_named(folder):
    (folder / "cat" / "3.png").write_bytes(b"this is no image")
    task = find(f"folder:{folder}")
    with pytest.raises(BadInput, match=r"3\.png: cannot be read"):
        check(task.found().paths)


def test_a_truncated_photograph_is_named(folder):
    pixels = np.random.default_rng(0).integers(256, size=(80, 90, 3), dtype=np.uint8)
    whole = folder / "cat" / "photo.jpg"
    Image.fromarray(pixels).save(whole)
    task = find(f"folder:{folder}")
    check(task.found().paths)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(BadInput, match=r"photo\.jpg: cannot be read"):
        check(task.found().paths)


def test_a_few_images_of_each_class_are_enough(tmp_path):
    for number, name in enumerate("abcde"):
        for i in range(3):
            write_image(tmp_path / name / f"{i}.png", (i, number, i))
    splits = find(f"folder:{tmp_path}").load(None, None)
    assert [len(s) for s in (splits.train, splits.validation, splits.test)] == [5, 5, 5]


def test_too_few_images_to_split_is_refused(tmp_path):
    for name in ("a", "b"):
        write_image(tmp_path / name / "0.png", (0, 0, 0))
    with pytest.raises(BadInput, match="too few"):
        find(f"folder:{tmp_path}").load(None, None)


def test_two_folders_for_one_part_are_refused(tmp_path):
    for part in ("train", "val", "validation"):
        for name in "ab":
            write_image(tmp_path / part / name / "0.png", (0, 0, 0))
    with pytest.raises(BadInput, match="both look like val"):
        find(f"folder:{tmp_path}").identity(None)

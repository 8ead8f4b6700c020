"""Copies of an image: kept together in our splits, refused in two parts of the user's split."""

from __future__ import annotations

import os
import shutil

import pytest
from PIL import Image

from runner.images.copies import check_parts
from runner.images.folders import read_folder
from runner.images.sampling import hold_out
from runner.images.tables import read_csv
from runner.tasks.registry import find
from tests.images.test_parts_of_folders import tree
from tricks import BadInput


def held(splits):
    """The bytes of the images of each part."""
    parts = (splits.train, splits.validation, splits.test)
    return [{path.read_bytes() for path in part.paths} for part in parts]


@pytest.fixture
def twice(tmp_path):
    """Two classes of 20 images, of which ten have a copy."""
    tree(tmp_path / "pets", "cat:20 dog:20")
    for name in ("cat", "dog"):
        for i in range(10):
            shutil.copy(tmp_path / f"pets/{name}/{i}.png", tmp_path / f"pets/{name}/copy{i}.png")
    rows = [f"{path.relative_to(tmp_path)},{path.parent.name},{path.parent.name}{path.stem[-1]}"
            for path in sorted((tmp_path / "pets").rglob("*.png"))]  # fmt: skip
    (tmp_path / "pets.csv").write_text("\n".join(["path,label,animal", *rows]))
    return tmp_path


@pytest.mark.parametrize("name", ["folder:{}/pets", "csv:{}/pets.csv", "csv:{}/pets.csv#animal"])
def test_copies_are_on_one_side_of_a_split(twice, name):
    splits = find(name.format(twice)).load(None, None)
    train, validation, test = held(splits)
    assert not train & (validation | test)
    assert not validation & test
    assert len(splits.train) + len(splits.validation) + len(splits.test) == 60
    for part in (splits.train, splits.validation, splits.test):
        assert set(part.labels.tolist()) == {0, 1}


def test_a_split_without_the_rule_would_part_them(twice):
    found = read_folder(twice / "pets")
    labels = [int(row.label == "dog") for row in found.rows]
    kept, test = hold_out(labels, 0.15)
    assert {found.digests[i] for i in kept} & {found.digests[i] for i in test}
    kept, test = hold_out(labels, 0.15, found.digests)
    assert not {found.digests[i] for i in kept} & {found.digests[i] for i in test}
    assert sorted([*kept, *test]) == list(range(60))
    assert 6 <= len(test) <= 12


def test_only_copies_change_an_identity(twice):
    task = find(f"folder:{twice}/pets")
    assert task.identity(None)["copies"] == "together"
    for path in (twice / "pets").rglob("copy*.png"):
        path.unlink()
    assert "copies" not in find(f"folder:{twice}/pets").identity(None)


def test_groups_that_share_an_image_are_one(tmp_path):
    """Ten animals of two classes; each animal shares a photo with the next of its class."""
    rows = ["path,label,animal"]
    for animal in range(20):
        for i in (animal, animal + 1 - 2 * (animal % 2)):  # 0 with 1, 2 with 3, ...
            name = f"{animal}-{i}.png"
            shade = (min(animal, i), 0, 0) if i != animal else (animal, 9, 0)
            Image.new("RGB", (4, 4), shade).save(tmp_path / name)
            rows.append(f"{name},{'ab'[animal // 2 % 2]},{animal}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    splits = find(f"csv:{tmp_path}/t.csv#animal").load(None, None)
    parts = [
        {int(path.stem.split("-")[0]) // 2 for path in part.paths}
        for part in (splits.train, splits.validation, splits.test)
    ]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 10


def test_a_class_of_copies_is_too_small(tmp_path):
    tree(tmp_path, "cat:5 dog:2")
    for i in range(4):
        shutil.copy(tmp_path / "dog/0.png", tmp_path / f"dog/copy{i}.png")
    with pytest.raises(BadInput, match="dog has fewer than 3 training images that are no copies"):
        find(f"folder:{tmp_path}").load(None, None)


def test_a_copy_in_two_parts_of_the_users_is_refused(tmp_path):
    tree(tmp_path, "train/cat:3 train/dog:3 test/cat:2 test/dog:2")
    check_parts(read_folder(tmp_path))
    shutil.copy(tmp_path / "train/cat/0.png", tmp_path / "test/dog/x.png")  # of another label, too
    with pytest.raises(BadInput, match=r"x.png in test is a copy of .*0.png in train.*--allow-dup"):
        check_parts(read_folder(tmp_path))
    (tmp_path / "test/dog/x.png").unlink()
    os.link(tmp_path / "train/cat/0.png", tmp_path / "test/cat/link.png")
    with pytest.raises(BadInput, match=r"link.png.*both in test and in train|both in train"):
        check_parts(read_folder(tmp_path))


def test_a_csv_with_an_image_in_two_parts_is_refused_with_its_line(tmp_path):
    tree(tmp_path, "a:1 b:1")
    lines = ["path,label,split", "a/0.png,a,train", "b/0.png,b,train", "a/0.png,a,test"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    found = read_csv(tmp_path / "t.csv")
    with pytest.raises(BadInput, match=r"line 4: the same image as .*line 2, both in train and in"):
        check_parts(found)

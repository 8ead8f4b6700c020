"""Which level is parts and which is classes: ambiguous folders are refused."""

from __future__ import annotations

import pytest
from PIL import Image

from runner.images.folders import read_folder
from runner.images.summary import summary_lines
from runner.inference.inference_images import labelled
from tricks import BadInput


def tree(root, text):
    """`train/cat:3 other/:2` -> so many images in each folder."""
    for number, item in enumerate(text.split()):
        name, _, count = item.partition(":")
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(int(count)):
            Image.new("RGB", (2, 2), (number, i, 0)).save(root / name / f"{i}.png")
    return root


ONE_MEANING = [
    ("cat:3 dog:2", {"": 5}, "cat dog"),
    ("training_set/cat:3 training_set/dog:3 test_set/cat:2 test_set/dog:2",
     {"train": 6, "test": 4}, "cat dog"),
    ("train/cat:3 train/dog:3 validate/cat:1 validate/dog:1", {"train": 6, "val": 2}, "cat dog"),
    ("Train/a:2 Train/b:2 VALID/a:1 VALID/b:1", {"train": 4, "val": 2}, "a b"),
    ("seg_train/seg_train/sea:3 seg_train/seg_train/ice:3 seg_test/seg_test/sea:1 "
     "seg_test/seg_test/ice:1 seg_pred/seg_pred:4", {"train": 6, "test": 2}, "ice sea"),
    ("archive/images/cat:2 archive/images/dog:2", {"": 4}, "cat dog"),
    ("data/train/cat:2 data/train/dog:2 data/val/cat:1 data/val/dog:1",
     {"train": 4, "val": 2}, "cat dog"),
    ("train/cat:2 train/dog:2 test:5", {"train": 4}, "cat dog"),  # unlabelled
    ("train/cat:2 train/dog:2 docs:0", {"train": 4}, "cat dog"),
    ("bus:2 car:2 train:2", {"": 6}, "bus car train"),
    ("valid:2 invalid:2", {"": 4}, "invalid valid"),
    ("cat/young:2 cat/old:1 dog:2", {"": 5}, "cat dog"),
    ("01_train/a:3 01_train/b:3 02_test/a:2 02_test/b:2", {"train": 6, "test": 4}, "a b"),
    ("pets-train/a:3 pets-train/b:3 pets-val/a:1 pets-val/b:1", {"train": 6, "val": 2}, "a b"),
    ("bullet_train/a:2 bullet_train/b:2 stress_test/c:3", {"": 7}, "bullet_train stress_test"),
    ("a/train:3 a/test:2 b/train:2 b/test:1", {"train": 5, "test": 3}, "a b"),
    ("a/train:3 a/dev:2 a/test:1 b/train:2 b/dev:2 b/test:1",
     {"train": 5, "val": 4, "test": 2}, "a b"),
    ("a/train:3 b:4 c/test:2", {"": 9}, "a b c"),
]  # fmt: skip
TWO = [
    ("bus:2 car:2 train/steam:2 train/diesel:2", "bus and car beside train"),
    ("train/cat:2 train/dog:2 holdout/cat:1 holdout/dog:1", "holdout beside .*call it val or test"),
    ("train/cat:2 train/dog:2 extra/cat:1 extra/dog:1", "extra has classes of"),
    ("cat:2 dog:2 test/cat:1 test/dog:1", "class cat stands beside test and in it"),
    ("cat:2 dog:2 test:3", "test beside cat: parts, or classes"),
    ("val/cat:2 val/dog:2 test/cat:2 test/dog:2", "look like parts, but there is no train"),
    ("train:3 test:3", "look like parts, but hold no class folders"),
    ("train/a:2 train/b:2 training/a:1 training/b:1", "train and training both look like train"),
    ("a/train:3 a/test:2 b:3", "a: train and test look like parts of this class"),
    ("a/train:3 a/test:2 b/train:3", "a: train and test look like parts of this class"),
    ("a/train/x:3 a/test/x:2 b/train/x:3 b/test/x:2", "train and test look like parts of this cl"),
    ("train/a/train:3 train/a/test:2 train/b:3", "parts of this class"),
]


@pytest.mark.parametrize(("text", "parts", "classes"), ONE_MEANING)
def test_one_meaning_is_taken(tmp_path, text, parts, classes):
    found = read_folder(tree(tmp_path, text))
    assert found.parts == parts
    assert " ".join(found.classes) == classes
    if parts.keys() & {"", "test"}:
        tested = [row.file.path for row in found.rows if row.part in ("", "test")]
        given = labelled(str(tmp_path), classes.split())
        assert list(given.source.paths) == tested
    else:  # no images of its own to evaluate on
        with pytest.raises(BadInput):
            labelled(str(tmp_path), classes.split())


@pytest.mark.parametrize(("text", "said"), TWO)
def test_two_meanings_are_refused_in_one_line(tmp_path, text, said):
    with pytest.raises(BadInput, match=said) as caught:
        read_folder(tree(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train/a:2 train/b:2 validate/a:1 validate/b:1", "validate is val"),
        ("train/a:2 train/b:2 test:5", "test)"),
        ("train/a:2 train/b:2 val/a:1 val/b:1 figures:2", "figures)"),
        ("bus:2 train:2", "train is taken for a class"),
        ("a:2 A:2", "spelled alike"),
        ("a:2 b:2 .:1", "in no class folder"),
    ],
)
def test_what_was_taken_or_left_is_told(tmp_path, text, said):
    lines = list(summary_lines(read_folder(tree(tmp_path, text)), (0.15, 0.15)))
    assert any(said in line for line in lines), lines


def test_a_class_in_two_unicode_forms_is_refused_with_both(tmp_path):
    tree(tmp_path, "train/caf\u00e9:3 train/b:3 test/cafe\u0301:1 test/b:1")
    with pytest.raises(BadInput, match=r"'cafe\\u0301' and 'caf\\xe9' differ in Unicode form"):
        read_folder(tmp_path)
    with pytest.raises(BadInput, match=r"the class 'cafe\\u0301' is 'caf\\xe9' in the model"):
        labelled(str(tmp_path / "test"), ["caf\u00e9", "b"])


def test_files_that_are_not_read_are_named_where_images_are_missing(tmp_path):
    tree(tmp_path, "a:2 b:2")
    for image in list((tmp_path / "b").iterdir()):
        image.rename(image.with_suffix(".GIF"))
    with pytest.raises(BadInput, match=r"b: a class without images \(.gif files are not read\)"):
        read_folder(tmp_path)
    (tmp_path / "a.rar").touch()
    with pytest.raises(BadInput, match=r"a.rar: a file, but not an archive \(.zip, "):
        read_folder(tmp_path / "a.rar")


def test_an_image_that_parts_share_is_told(tmp_path):
    tree(tmp_path, "train/a:2 train/b:2")
    (tmp_path / "test").symlink_to(tmp_path / "train")
    found = read_folder(tmp_path)
    assert found.parts == {"train": 4, "test": 4}
    assert len(found.leaks) == 4
    assert any("both in train and in test" in line for line in summary_lines(found, (0.15, 0.15)))

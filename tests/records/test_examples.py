"""Examples of augmentations in a store: written once, read back, and never trusted."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from runner.records import examples

DATA = {"task": "digits", "files": "x", "split": [1, 2], "train_images": None}
IMAGES = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)


def test_examples_come_back_with_the_images_as_they_are_first(tmp_path):
    examples.save(tmp_path, DATA, "mixup(alpha=0.4)", IMAGES + 1, ())
    examples.save(tmp_path, DATA, "", IMAGES, ("cat", "dog"))
    first, second = examples.load(examples.folder(tmp_path, DATA))
    assert (first.text, first.names) == ("", ("cat", "dog"))
    assert (second.text, second.names) == ("mixup(alpha=0.4)", ())
    assert (first.images == IMAGES).all()
    assert (second.images == IMAGES + 1).all()
    assert examples.load(examples.folder(tmp_path, {**DATA, "task": "other"})) == []


def test_an_export_holds_those_of_its_images(tmp_path):
    class Ran:
        data = DATA

    examples.save(tmp_path / "store", DATA, "", IMAGES, ("cat",))
    examples.save(tmp_path / "store", {**DATA, "files": "y"}, "", IMAGES, ("cow",))
    (tmp_path / "out").mkdir()
    examples.export(tmp_path / "store", [None, Ran()], tmp_path / "out")
    assert [e.names for e in examples.load(tmp_path / "out" / examples.FOLDER)] == [("cat",)]


def packed(**arrays):
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def bomb():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("images.npy", b"\0" * (examples.LARGEST + 1))
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no archive", bomb(),
        packed(text=np.array(""), images=IMAGES),
        packed(text=np.array(""), images=IMAGES.astype(float), names=np.array(["a"])),
        packed(text=np.array(""), images=IMAGES[0], names=np.array(["a"])),
        packed(text=np.array(3), images=IMAGES, names=np.array(["a"])),
        packed(text=np.array("", dtype=object), images=IMAGES, names=np.array(["a"])),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_passed_over(content, tmp_path):
    (tmp_path / "a.npz").write_bytes(content)
    assert examples.load(tmp_path) == []

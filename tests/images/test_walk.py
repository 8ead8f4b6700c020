"""The walk through a folder: links, hidden entries, names of any bytes."""

from __future__ import annotations

import os

import pytest
from PIL import Image

from runner.images.folders import read_folder
from runner.images.summary import summary_lines
from runner.images.walk import DANGLING, HIDDEN, LEFTOVER, LOOP, OTHER, SPECIAL, walk
from runner.inference.inference_images import labelled, unlabelled
from runner.tasks.registry import find
from tests.images.checking import check
from tricks import BadInput


def images(folder, count=4, start=0):
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(start, start + count):
        Image.new("RGB", (4, 4), (i, 0, 0)).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def pets(tmp_path):
    for start, name in enumerate(("cat", "dog")):
        images(tmp_path / "pets" / name, start=100 * start)
    return tmp_path / "pets"


def why(path):
    return {item.path.name: item.why for item in walk(path)[1]}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".ipynb_checkpoints/0.png", HIDDEN), ("._0.png", HIDDEN), (".DS_Store", HIDDEN),
        ("@eaDir/0.png", LEFTOVER), ("__MACOSX/0.png", LEFTOVER), ("Thumbs.db", LEFTOVER),
        ("notes.txt", OTHER), ("0.gif", OTHER),
    ],
)  # fmt: skip
@pytest.mark.parametrize("level", ["", "cat"])
def test_what_is_no_image_is_passed_over_and_told(pets, name, reason, level):
    before = read_folder(pets).paths
    file = pets / level / name
    file.parent.mkdir(exist_ok=True)
    Image.new("RGB", (4, 4)).save(file, "PNG")
    found = read_folder(pets)
    assert found.paths == before
    assert [item.why for item in found.passed] == [reason]
    assert any(reason in line for line in summary_lines(found, (0.15, 0.15)))
    given = unlabelled(str(pets))
    assert len(given.paths) == len(before)
    assert reason in given.notes[0]
    assert labelled(str(pets), ["cat", "dog"]).paths == given.paths


def test_links_are_followed_once_and_never_back(pets, tmp_path):
    images(tmp_path / "real", 3, start=10)
    (pets / "fox").symlink_to(tmp_path / "real")
    (pets / "cat" / "up").symlink_to(pets)
    (pets / "cat" / "self").symlink_to(pets / "cat")
    (pets / "cat" / "again.png").symlink_to(pets / "cat" / "0.png")
    (pets / "dog" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (pets / "dog" / "ring.png").symlink_to(pets / "dog" / "ring.png")
    os.mkfifo(pets / "dog" / "pipe.png")
    found = read_folder(pets)
    assert found.classes == {"cat": 4, "dog": 4, "fox": 3}
    assert why(pets) == {
        "up": LOOP, "self": LOOP, "gone.png": DANGLING, "ring.png": DANGLING, "pipe.png": SPECIAL,
    }  # fmt: skip
    assert "the same image again" in {item.why for item in found.passed}
    lines = list(summary_lines(found, (0.15, 0.15)))
    assert any("gone.png" in line for line in lines)
    assert len(unlabelled(str(pets)).paths) == 12  # predict gives a row to each name
    assert find(f"folder:{pets}").identity(None)["files"]


def test_a_link_to_another_class_is_refused(pets):
    (pets / "cat" / "more").symlink_to(pets / "dog")
    with pytest.raises(BadInput, match=r"the same image as .*but 'dog' instead of 'cat'"):
        read_folder(pets)


def test_names_of_any_bytes(pets):
    raw = os.fsencode(pets / "cat" / "0.png")
    os.rename(raw, os.fsencode(pets / "cat") + b"/caf\xe9.png")
    task = find(f"folder:{pets}")
    assert task.identity(None) == task.identity(None)
    assert check(task.found().paths) == ()
    assert task.load(None, None).train is not None
    given = unlabelled(str(pets))
    assert b"cat/caf\xe9.png" in {os.fsencode(path) for path in given.paths}
    (pets / "listed.csv").write_bytes(b"path,label\ncat/caf\xe9.png,a\ndog/100.png,b\n")
    assert find(f"csv:{pets / 'listed.csv'}").identity(None)["files"]
    (pets / "listed.csv").write_bytes(b"path,label\ncat/caf\xe9.png,caf\xe9\ndog/100.png,b\n")
    with pytest.raises(BadInput, match="line 2: label is not UTF-8"):
        find(f"csv:{pets / 'listed.csv'}").identity(None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_listed_is_named(pets):
    (pets / "cat").chmod(0)
    with pytest.raises(BadInput, match="cat: cannot be listed"):
        read_folder(pets)
    (pets / "cat").chmod(0o755)

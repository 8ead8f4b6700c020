"""The content of its files identifies a data set: digests, and how they are kept."""

from __future__ import annotations

import os
import time

import pytest

from runner.images import content as module
from runner.images.content import content
from runner.images.copies import copies
from runner.images.folders import read_folder
from runner.images.summary import summary_json, summary_lines
from runner.images.walk import image_file
from runner.tasks.registry import find
from tests.images.test_walk import images
from tricks import BadInput

TICK = 0.02  # seconds, beyond the step of a file system's clock
OLD = time.time_ns() - 10**12


@pytest.fixture
def pets(tmp_path):
    for start, name in enumerate(("cat", "dog")):
        images(tmp_path / "pets" / name, start=4 * start)
    lines = [f"pets/{path.parent.name}/{path.name},{path.parent.name}"
             for path in sorted((tmp_path / "pets").rglob("*.png"))]  # fmt: skip
    (tmp_path / "pets.csv").write_text("\n".join(["path,label", *lines]))
    return tmp_path / "pets"


@pytest.mark.parametrize("name", ["folder:{}", "csv:{}.csv"])
def test_images_exchanged_for_others_of_their_size_are_another_data_set(pets, name):
    cat, dog = pets / "cat" / "0.png", pets / "dog" / "4.png"
    for path in (cat, dog):  # a PNG may be longer than its end
        path.write_bytes(path.read_bytes().ljust(100, b"\0"))
    task = find(name.format(pets))
    before = task.identity(None)
    cat.rename(pets / "x")
    dog.rename(cat)
    (pets / "x").rename(dog)
    after = task.identity(None)
    assert after["files"] == before["files"]
    assert after["content"] != before["content"]


def test_an_unchanged_file_is_read_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "KEPT", 0)
    monkeypatch.setattr(module, "RECENT", 0)
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(b"%d" % i)
        os.utime(tmp_path / f"{i}.png", ns=(OLD, OLD))

    def now():
        return content(tmp_path, [image_file(tmp_path / f"{i}.png") for i in range(3)])

    first = now()
    read = []
    time.sleep(TICK)
    digest = module._digest
    monkeypatch.setattr(module, "_digest", lambda file: read.append(file.path.name) or digest(file))
    assert now() == first
    assert read == []
    (tmp_path / "1.png").write_bytes(b"x")
    changed = now()
    assert changed != first
    assert read == ["1.png"]
    assert now() == changed
    assert read == ["1.png"]
    monkeypatch.setattr(module, "RECENT", 10**12)
    time.sleep(TICK)
    (tmp_path / "1.png").write_bytes(b"y")
    assert now() != changed
    assert now() != changed
    assert read[1:] == ["1.png"] * 2  # it changed just now, and may again within its time
    changed = now()
    [kept] = (tmp_path / "cache" / "tricks-bench" / "digests").iterdir()
    kept.write_bytes(b"broken")
    assert now() == changed


def test_files_exchanged_with_their_times_are_read_again(tmp_path, monkeypatch):
    """As after an archive or `cp -p`: the same size, the same old time."""
    monkeypatch.setattr(module, "RECENT", 0)
    cat, dog = tmp_path / "cat.png", tmp_path / "dog.png"
    for path in (cat, dog):
        path.write_bytes(path.name.encode())
        os.utime(path, ns=(OLD, OLD))
    before = content(tmp_path, [image_file(cat), image_file(dog)])
    time.sleep(TICK)
    cat.rename(tmp_path / "x")
    dog.rename(cat)
    (tmp_path / "x").rename(dog)
    assert content(tmp_path, [image_file(cat), image_file(dog)]) != before


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"a")
    file = image_file(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    with pytest.raises(BadInput, match=r"a\.png: cannot be read"):
        content(tmp_path, [file])


def test_copies_are_told_with_their_labels_and_parts(tmp_path):
    for part in ("train", "test"):
        for start, name in enumerate(("cat", "dog")):
            images(tmp_path / part / name, 2, start=10 * start + 100 * (part == "test"))
    whole = read_folder(tmp_path)
    assert copies(whole).lines() == ()
    cat = tmp_path / "train" / "cat" / "0.png"
    for copy in ("train/dog/x.png", "test/cat/y.png", "train/cat/z.png"):
        (tmp_path / copy).write_bytes(cat.read_bytes())
    found = read_folder(tmp_path)
    seen = {"labels": 1, "parts": 1, "others": 1, "files_in_two_parts": 0, "kept_together": True}
    assert summary_json(found)["copies"] == seen
    lines = list(summary_lines(found, (0.15, 0.15)))
    assert any("1 copy with another label" in line and "x.png (dog) is" in line for line in lines)
    assert any("1 copy in another part" in line and "y.png (test) is" in line for line in lines)
    assert any("1 copy of one label" in line and "z.png is" in line for line in lines)

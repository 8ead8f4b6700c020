"""Unpacked archives and written data sets: how doctor shows and removes them."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile

import numpy as np
import pytest

import tricks_bench as tb
from runner.cli import call
from runner.images import archives, stored_sets, written
from runner.images.archives import folder_at, unpacked
from runner.images.folders import read_folder
from tests.images.test_parts_of_folders import tree

LONG_AGO = time.time() - 10 * 86_400


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))


@pytest.fixture
def packed(tmp_path):
    tree(tmp_path / "pets", "cat:3 dog:3")
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as file:
        for path in sorted((tmp_path / "pets").rglob("*.png")):
            file.write(path, path.relative_to(tmp_path))
    return tmp_path / "pets.zip"


def aged(folder):
    for top, names, files in os.walk(folder):
        for name in (*names, *files):
            os.utime(os.path.join(top, name), (LONG_AGO, LONG_AGO))
    os.utime(folder, (LONG_AGO, LONG_AGO))


def given(shade):
    images = [(np.full((4, 4), shade + i, np.uint8), i % 2) for i in range(8)]
    return tb.Task.from_datasets(images, name="mine").found().place.parent


def test_an_unpacked_archive_is_of_use_while_one_of_its_archives_is_there(packed):
    other = shutil.copy(packed, packed.with_name("other.zip"))
    unpacked(packed)
    unpacked(packed.with_name("other.zip"))
    [kept] = stored_sets.unpacked()
    assert (kept.images, kept.fault, kept.places) == (6, "", (str(packed), str(other)))
    packed.unlink()
    assert stored_sets.unpacked()[0].fault == ""
    packed.with_name("other.zip").write_bytes(b"another")
    assert stored_sets.unpacked()[0].fault == "its archive has changed"
    packed.with_name("other.zip").unlink()
    assert stored_sets.unpacked()[0].fault == "its archive was removed"


def test_a_torn_one_is_told_and_unpacked_again(packed):
    next(unpacked(packed).rglob("*.png")).unlink()
    assert stored_sets.unpacked()[0].fault == "not whole"
    assert len(read_folder(folder_at(packed)).rows) == 6
    assert stored_sets.unpacked()[0].fault == ""


def test_what_others_are_writing_stays_for_a_day(packed):
    place = unpacked(packed)
    parts = (place.parent.with_name("abc.123"), written.root() / f"{written.PART}x")
    for part in parts:
        part.mkdir(parents=True)
        (part / "0.png").write_bytes(b"x")

    def faults():
        return sorted(one.fault for one in (*stored_sets.unpacked(), *stored_sets.data_sets()))

    assert faults() == ["", "", ""]
    for part in parts:
        aged(part)
    assert faults() == ["", "left half written", "left half written"]


def test_a_data_set_that_another_has_replaced_is_of_no_use():
    first = given(0)
    aged(first)
    assert [one.fault for one in stored_sets.data_sets()] == [""]
    second = given(100)
    aged(second)
    found = {one.folder: one for one in stored_sets.data_sets()}
    assert found[first].fault == "no task refers to it any more"
    assert (found[second].fault, found[second].places) == ("", ("mine",))
    assert found[second].images == 8
    (second / written.LIST).unlink()
    assert {one.folder: one.fault for one in stored_sets.data_sets()}[second] == "not whole"


def test_doctor_lists_and_cleans_them(packed, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    unpacked(packed)
    first, second = given(0), given(100)
    aged(first)
    capsys.readouterr()
    assert call(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["fault"] for one in told["unpacked"]] == [""]
    assert sorted(one["fault"] for one in told["data_sets"]) == [
        "",
        "no task refers to it any more",
    ]
    packed.unlink()
    assert call(["doctor", "--clean"]) == 0
    said = capsys.readouterr().out
    assert "its archive was removed: removed" in said
    assert f"{first}: " in said
    assert not list(archives.root().iterdir())
    assert not first.exists()
    assert (second / written.LIST).is_file()

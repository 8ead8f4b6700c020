"""Confusions: counted from predictions, written, read back, and refused where damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.records import confusions, examples, packed
from runner.records.export import read_export, write_export
from runner.records.predictions import pack
from runner.records.store import Store
from runner.records.studies import load_study, save_study
from runner.records.study_toml import from_mapping
from tests.records.damage import a_record
from tests.records.made_predictions import IMAGES, made
from tricks.errors import BadInput

IDS = [f"{n:02x}" + "0" * 14 for n in range(3)]


@settings(deadline=None)  # the first example imports pandas
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 2**32 - 1)), min_size=1, max_size=4))
def test_they_read_back_as_they_were_written(runs: list[tuple[int, int]]) -> None:
    made = {}
    for number, (classes, seed) in enumerate(runs):
        counts = np.random.default_rng(seed).integers(0, 3, (classes, classes))
        counts[0, 0] += 1  # a run has test images
        made[f"0{number}"] = counts
    content = confusions.write(made.items())
    assert content is not None
    found = confusions.read(content).counts
    assert found.keys() == made.keys()
    assert all(np.array_equal(found[id], made[id]) for id in made)


def test_names_of_classes_come_back_too(tmp_path: Path) -> None:
    counts = np.array([[2, 1], [0, 3]])
    names = ("=cat", "NA")
    content = confusions.write([("ab", counts)], names)
    assert content is not None
    assert b"\n=" not in content.replace(b",", b"\n"), "a spreadsheet must not run a name"
    assert confusions.read(content).names == names
    other = confusions.write([("ab", counts)], ("too", "many", "names"))
    assert other is not None
    assert confusions.read(other).names == ()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three records of a study, the first two with predictions."""
    store = Store(tmp_path / "results")
    for n, id in enumerate(IDS):
        said = pack(made(seed=n)) if n < 2 else None
        assert store.commit(a_record(id, seed=n, test_images=IMAGES), said)
    factors = [{"name": "mixup", "levels": ["off", "on"]}]
    rows = [{"id": id, "seed": n, "mixup": "on" if n else "off"} for n, id in enumerate(IDS)]
    asked = {"task": "digits", "grid": "add-one", "factors": factors}
    save_study(store, "a", from_mapping(asked), rows)
    return store


def exported(store: Store, folder: Path) -> Path:
    return write_export(store, load_study(store, "a"), folder)


def test_an_export_holds_those_of_the_predictions(store: Store, tmp_path: Path) -> None:
    folder = exported(store, tmp_path / "out")
    read_export(folder)  # its checksums hold
    found = confusions.of_runs(folder, IDS).counts
    assert list(found) == IDS[:2]
    for n, id in enumerate(IDS[:2]):
        said = made(seed=n)
        for truth in range(10):
            for predicted in range(10):
                here = (said.truth == truth) & (said.predicted == predicted)
                assert found[id][truth, predicted] == here.sum()
    in_store = confusions.of_runs(store, IDS).counts
    assert all(np.array_equal(found[id], in_store[id]) for id in IDS[:2])


def test_an_export_anew_without_predictions_has_none(store: Store, tmp_path: Path) -> None:
    folder = exported(store, tmp_path / "out")
    for file in store.root.rglob("*.predictions"):
        file.unlink()
    assert not (exported(store, folder) / confusions.FILE).exists()
    read_export(folder)
    assert confusions.of_runs(folder, IDS) == ({}, ())


@pytest.mark.parametrize(
    "text",
    [
        "id,truth\nab,1\n",
        "id,classes,truth,predicted,images\nab,2,2,0,1\n",
        "id,classes,truth,predicted,images\nab,2,0,1,-1\n",
        "id,classes,truth,predicted,images\nab,2,0,x,1\n",
        "id,classes,truth,predicted,images\nab,4000000000,0,1,1\n",
        "id,classes,truth,predicted,images\nab,2,0,0,1\nab,3,2,0,1\n",
        "",
    ],
)
def test_a_damaged_file_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / confusions.FILE).write_bytes(packed.pack(text.encode()))
    with pytest.raises(BadInput, match=r"cannot read .*confusions\.csv\.gz: "):
        confusions.of_runs(tmp_path, IDS)


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / confusions.FILE).write_bytes(b"no archive")
    with pytest.raises(BadInput, match=r"cannot read .*confusions\.csv\.gz: "):
        confusions.of_runs(tmp_path, IDS)


def test_an_export_without_images_has_the_names_of_the_classes(
    store: Store, tmp_path: Path
) -> None:
    data = {"task": "pets", "files": "x", "split": [1, 2]}
    id = "f" * 16
    said = pack(made(classes=2, seed=5))
    assert store.commit(a_record(id, seed=9, test_images=IMAGES, data=data), said)
    pictures = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    examples.save(store.root, data, "", pictures, ("cat", "dog"))
    factors = [{"name": "mixup", "levels": ["off", "on"]}]
    asked = from_mapping({"task": "pets", "grid": "add-one", "factors": factors})
    study = save_study(store, "pets", asked, [{"id": id, "seed": 9, "mixup": "off"}])
    with_them = write_export(store, study, tmp_path / "with")
    without = write_export(store, study, tmp_path / "without", images=False)
    assert (with_them / examples.FOLDER).is_dir()
    assert not (without / examples.FOLDER).exists()
    assert confusions.of_runs(without, []).names == ("cat", "dog")
    write_export(store, study, with_them, images=False)
    assert not list(with_them.rglob("*.npz")), "images of an older export would stay"

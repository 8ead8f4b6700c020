"""Predictions beside records: packed, limited in size when read, and only for their record."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.analysis.metrics import registry
from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.predictions import Predictions
from runner.cli import call
from runner.records.export import evidence, write_export
from runner.records.predictions import pack, unpack
from runner.records.record import Damaged
from runner.records.run_frames import table
from runner.records.store import Store
from runner.records.studies import load_study, save_study
from runner.records.study_toml import from_mapping
from tests.records.damage import a_record
from tricks.errors import BadInput

IDS = [f"{n:02x}" + "0" * 14 for n in range(4)]
IMAGES = 40


def made(images: int = IMAGES, classes: int = 10, seed: int = 0) -> Predictions:
    """Predictions such as a network makes them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(images, classes)).astype(np.float32)
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    truth, every = rng.integers(0, classes, images), np.arange(images)
    rank = (logits > logits[every, truth][:, None]).sum(1)
    chosen = logits.argmax(1)
    return Predictions(truth, chosen, rank, logs[every, truth], logs[every, chosen], classes)


def same(one: Predictions, other: Predictions) -> bool:
    names = [field.name for field in dataclasses.fields(Predictions)]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


@given(st.integers(0, 50), st.sampled_from([2, 10, 256, 257, 1000]), st.integers(0, 99))
def test_it_reads_back_as_it_was(images: int, classes: int, seed: int) -> None:
    found = made(images, classes, seed)
    assert same(unpack(pack(found), images), found)
    assert pack(found) == pack(made(images, classes, seed)), "equal predictions are equal bytes"


ARRAYS = ("classes", "truth", "predicted", "rank", "log_truth", "log_predicted")


def test_numpy_opens_it_and_it_is_small() -> None:
    found = made(10_000)
    data = pack(found)
    assert len(data) < 9 * 10_000
    with gzip.open(io.BytesIO(data)) as file:
        held = {name: np.load(file) for name in ARRAYS}
    assert held["truth"].dtype == held["rank"].dtype == np.uint8
    assert np.array_equal(held["log_truth"], found.log_truth)


def forged(change: dict[str, np.ndarray | bytes | None]) -> bytes:
    """A file with some arrays replaced by other arrays or bytes; None: left out."""
    whole = io.BytesIO()
    with gzip.open(io.BytesIO(pack(made()))) as file:
        held: dict[str, Any] = {name: np.load(file) for name in ARRAYS}
    for content in (change.get(name, array) for name, array in held.items()):
        if isinstance(content, np.ndarray):
            np.lib.format.write_array(whole, content, allow_pickle=True)
        elif content is not None:
            whole.write(content)
    return gzip.compress(whole.getvalue())


HEADER = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<u8', 'fortran_order': False, 'shape': (%d,), }"
FORGED: dict[str, dict[str, np.ndarray | bytes | None]] = {
    "objects": {"truth": np.array([{}] * IMAGES, dtype=object)},
    "a missing array": {"rank": None},
    "fewer images": {"truth": np.zeros(IMAGES - 1, np.uint8)},
    "more than there may be": {"truth": bytes(10_000_000)},
    "a header that promises much": {"truth": (HEADER % 10**15).ljust(127) + b"\n"},
    "a header of nothing": {"truth": b"\x93NUMPY\x01\x00\xff\xff"},
    "other types": {"log_truth": np.zeros(IMAGES, complex)},
    "two dimensions": {"truth": np.zeros((IMAGES, 1), np.uint8)},
    "a class that is none": {"truth": np.full(IMAGES, 200, np.uint8)},
    "ranks of other classes": {"rank": np.zeros(IMAGES, np.uint8)},
    "probabilities above 1": {"log_truth": np.ones(IMAGES, np.float32)},
    "probabilities that are none": {"log_truth": np.full(IMAGES, np.nan, np.float32)},
}


@pytest.mark.parametrize("what", FORGED)
def test_what_is_no_such_file_is_damaged(what: str) -> None:
    with pytest.raises(Damaged):
        unpack(forged(FORGED[what]), IMAGES)


@given(st.data())
def test_no_bytes_do_harm(data: st.DataObject) -> None:
    good = pack(made())
    place = data.draw(st.integers(0, len(good) - 1))
    changed = bytearray(good)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    for content in (bytes(changed), good[:place], data.draw(st.binary(max_size=200))):
        try:
            unpack(content, IMAGES)
        except Damaged:
            continue


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Four records of a study, the first three with predictions."""
    monkeypatch.setattr(registry, "REGISTERED", {})
    store = Store(tmp_path / "results")
    for n, id in enumerate(IDS):
        said = pack(made(seed=n)) if n < 3 else None
        assert store.commit(a_record(id, seed=n, test_images=IMAGES), said)
    factors = [{"name": "mixup", "levels": ["off", "on"]}]
    rows = [{"id": id, "seed": n // 2, "mixup": ("off", "on")[n % 2]} for n, id in enumerate(IDS)]
    asked = from_mapping({"task": "digits", "grid": "add-one", "factors": factors})
    save_study(store, "s", asked, rows)
    return store


def file_of(store: Store, n: int = 0) -> Path:
    return store.path(IDS[n]).with_suffix(".predictions")


def said(store: Store, n: int = 0) -> Predictions | None:
    record = store.record(IDS[n])
    assert record is not None
    return store.predictions(record)


def test_a_record_names_its_predictions(store: Store) -> None:
    found = said(store, 1)
    assert found is not None
    assert same(found, made(seed=1))
    assert said(store, 3) is None
    assert store.ids() == set(IDS)
    assert store.states() == dict.fromkeys(IDS, "ok")
    file_of(store, 0).write_bytes(file_of(store, 1).read_bytes())
    assert said(store, 0) is None, "those of another run"


def test_a_record_that_is_there_keeps_its_predictions(store: Store) -> None:
    assert not store.commit(a_record(IDS[0]), pack(made(seed=9)))
    found = said(store)
    assert found is not None
    assert same(found, made(seed=0))


def test_a_late_writer_leaves_predictions_as_they_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that was stopped finds the record of another process that took the run over."""
    late, fsync = IDS[3], os.fsync
    assert store.remove(late)

    def stopped(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)
        assert store.commit(a_record(late, test_images=IMAGES), pack(made(seed=5)))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", stopped)
    assert not store.commit(a_record(late, test_images=IMAGES), pack(made(seed=6)))
    found = said(store, 3)
    assert found is not None
    assert same(found, made(seed=5))


def test_they_go_with_their_record_and_come_with_a_retry(store: Store) -> None:
    assert store.remove(IDS[0])
    assert not file_of(store).exists()
    aside = sorted((store.root / "quarantine").iterdir())
    assert [path.suffix for path in aside] == [".json", ".predictions"]
    assert aside[0].stem == aside[1].stem
    file_of(store).write_bytes(b"left by a writer that was stopped")
    assert store.state(IDS[0]) is None
    assert store.commit(a_record(IDS[0], test_images=IMAGES), pack(made(seed=5)))
    assert said(store) is not None
    store.path(IDS[1]).write_bytes(b"damaged")
    assert store.read(IDS[1]) is None
    assert not file_of(store, 1).exists()


def doctor(store: Store, capsys: Any, *more: str) -> dict[str, Any]:
    call(["doctor", str(store.root), "--json", *more])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_whole_store_has_no_problem(store: Store, capsys: Any) -> None:
    found = doctor(store, capsys)
    assert (found["problems"], found["notes"]) == ([], [])


@pytest.mark.parametrize("damage", ["cut", "another's", "link", "fewer images"])
def test_doctor_finds_damage_and_sets_it_aside(store: Store, capsys: Any, damage: str) -> None:
    path = file_of(store)
    data = path.read_bytes()
    path.unlink()
    if damage == "link":
        path.symlink_to(file_of(store, 1))
    elif damage == "fewer images":
        store.remove(IDS[0])
        store.commit(a_record(IDS[0], test_images=IMAGES), pack(made(IMAGES - 1)))
    else:
        path.write_bytes(data[:-9] if damage == "cut" else file_of(store, 1).read_bytes())
    found = doctor(store, capsys)
    [problem] = found["problems"]
    assert problem["kind"] == ("symlink" if damage == "link" else "damaged")
    assert problem["path"] == f"runs/00/{IDS[0]}.predictions"
    assert said(store) is None or damage == "link"
    doctor(store, capsys, "--repair")
    again = doctor(store, capsys)
    assert again["healthy"]
    assert again["counts"]["records"] == 4, "the record stays"
    assert "1 record whose predictions are missing" in str(again["notes"])


def test_doctor_tells_of_predictions_that_no_record_names(store: Store, capsys: Any) -> None:
    orphan = store.root / "runs" / "00" / f"{'0' * 15}9.predictions"
    orphan.write_bytes(file_of(store).read_bytes())
    [note] = doctor(store, capsys, "--repair")["notes"]
    assert (note["kind"], note["repair"]) == ("orphan", None)
    assert orphan.exists(), "its run may be at its end just now"
    os.utime(orphan, (time.time() - 7200,) * 2)
    [note] = doctor(store, capsys)["notes"]
    assert note["repair"] == "move it to quarantine/"
    doctor(store, capsys, "--repair")
    assert not orphan.exists()
    assert file_of(store).exists()


def test_those_of_a_damaged_record_stay_until_it_goes(store: Store, capsys: Any) -> None:
    store.path(IDS[0]).write_bytes(b"damaged")
    [problem] = doctor(store, capsys)["problems"]
    assert problem["path"].endswith(".json")
    found = doctor(store, capsys, "--repair")
    assert found["healthy"]
    assert not file_of(store).exists()
    assert doctor(store, capsys)["counts"]["quarantined"] == 1


def test_a_later_metric_needs_no_training(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    read = Store.read
    monkeypatch.setattr(Store, "read", lambda store, id: reads.append(id) or read(store, id))
    study = load_study(store)
    store.rows()
    reads.clear()
    assert table(store, study)["top5"].isna().all()
    assert reads == [], "the usual table reads no record"
    top5 = table(store, study, "top5")["top5"]
    assert top5.tolist()[:3] == [100 * (made(seed=n).rank < 5).mean() for n in range(3)]
    assert top5.isna().tolist() == [False, False, False, True]
    registry.register(
        Metric("top2", "pp", larger_is_better=True, compute=lambda x: 100 * (x.rank < 2).mean())
    )
    assert "top2" not in table(store, study)
    found = evidence(store, "s", metric="top2").runs["top2"]
    assert found.tolist()[:3] == [100 * (made(seed=n).rank < 2).mean() for n in range(3)]
    assert "val_top2" not in table(store, study, "val_top2"), "of validation none are kept"


def test_a_later_metric_that_fails_says_so(store: Store) -> None:
    registry.register(Metric("broken", "pp", larger_is_better=True, compute=lambda found: 1 / 0))
    with pytest.raises(BadInput, match="broken cannot be computed: ZeroDivisionError"):
        table(store, load_study(store), "broken")


def test_an_export_keeps_the_values(store: Store, tmp_path: Path) -> None:
    id = "a" * 16
    values = {"top5": 91.0, "mine": 3.5}
    store.commit(a_record(id, metrics={"test": values, "validation": {"ece": 1.5}}))
    factors = [{"name": "mixup", "levels": ["off", "on"]}]
    asked = from_mapping({"task": "digits", "grid": "add-one", "factors": factors})
    study = save_study(store, "t", asked, [{"id": id, "seed": 0, "mixup": "on"}])
    folder = write_export(store, study, tmp_path / "out")
    assert not list(folder.glob("*.predictions"))
    [row] = evidence(folder).runs.to_dict("records")
    assert (row["top5"], row["val_ece"], "mine" in row) == (91.0, 1.5, False)
    [row] = evidence(folder, metric="mine").runs.to_dict("records")
    assert row["mine"] == 3.5, "of a plug-in, from the record"


@pytest.mark.parametrize(
    "fields",
    [{"metrics": {"test": {"top5": 101.0}}}, {"metrics": {"test": {"nll": "1"}}},
     {"metrics": {"validation": {"ece": -1.0}}}, {"metrics": [1]}, {"predictions_sha256": "x"}],
)  # fmt: skip
def test_values_that_cannot_be_are_no_record(store: Store, fields: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="could not be read back"):
        store.commit(a_record("b" * 16, **fields))

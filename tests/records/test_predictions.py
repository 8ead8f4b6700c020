"""Predictions beside records: only for their record, found by doctor, read by later metrics."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from runner.analysis.metrics import registry
from runner.analysis.metrics.metric import Metric
from runner.analysis.metrics.predictions import Predictions
from runner.cli import call
from runner.records.export import evidence, write_export
from runner.records.predictions import pack
from runner.records.run_frames import table
from runner.records.store import Store
from runner.records.studies import load_study, save_study
from runner.records.study_toml import from_mapping
from tests.records.damage import a_record
from tests.records.made_predictions import IMAGES, made, same
from tricks.errors import BadInput

IDS = [f"{n:02x}" + "0" * 14 for n in range(4)]


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

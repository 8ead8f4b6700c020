"""Schema and migration: files of earlier versions are read as those versions read them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from runner.analysis.analyze import analyze
from runner.analysis.to_json import to_json
from runner.records import migration
from runner.records.export import evidence, read_export
from runner.records.record import Damaged, seal, unseal
from runner.records.store import Store
from runner.records.verification import verify
from runner.studies.experiments import experiment
from tests.records.damage import ID, a_record
from tricks.errors import BadInput

GOLDEN = sorted((Path(__file__).parent / "golden").glob("schema-*"))


def test_there_is_a_golden_folder_for_every_schema() -> None:
    assert [path.name for path in GOLDEN] == [f"schema-{migration.SCHEMA}"]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name)
@pytest.mark.parametrize("source", ["results", "export"])
def test_a_golden_folder_is_read_as_it_was(tmp_path: Path, golden: Path, source: str) -> None:
    shutil.copytree(golden / source, tmp_path / source)
    place = tmp_path / source
    assert verify(place).problems == []
    found = read_export(place) if source == "export" else evidence(Store(place, create=False))
    wanted = json.loads((golden / "expected.json").read_text())
    assert dict(zip(found.runs["id"], found.runs["state"], strict=True)) == wanted["states"]
    assert set(wanted["states"].values()) == {"ok", "diverged", "failed", "infra"}
    rows = json.loads(found.runs.to_json(orient="records", double_precision=12))
    for row, old in zip(rows, wanted["table"], strict=True):
        assert {k: v for k, v in row.items() if not isinstance(v, float)}.items() <= old.items() | {
            (k, None) for k in row.keys() - old.keys()
        }
        for key, value in old.items():
            if isinstance(value, float):
                assert row[key] == pytest.approx(value, rel=1e-9), key
    answer = to_json(analyze(experiment(found.study, found.runs), "accuracy"))
    assert answer["runs"].items() >= wanted["runs"].items()
    for effect, old in zip(answer["effects"], wanted["effects"], strict=True):
        assert (effect["factor"], effect["level"]) == (old["factor"], old["level"])
        assert effect["effect"] == pytest.approx(old["effect"], rel=1e-9)
    assert len(found.curves) == 2 * sum(r["state"] in ("ok", "diverged") for r in rows)


def test_the_files_of_a_golden_folder_stay_as_they_were_written() -> None:
    """Other tests read a copy; this one checks that the files themselves never change."""
    golden = GOLDEN[0]
    ids = {path.stem for path in (golden / "results" / "runs").glob("*/*.json")}
    for id in ids:
        unseal((golden / "results" / "runs" / id[:2] / f"{id}.json").read_bytes(), id)
    lines = (golden / "export" / "SHA256SUMS").read_text().split("\n")
    for digest, name in (line.split("  ") for line in lines if line):
        data = (golden / "export" / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == digest


def of_schema(schema: Any, **fields: Any) -> bytes:
    """A record as an earlier version might have written it."""
    body = json.dumps({**a_record(), "schema": schema, **fields}, separators=(",", ":"))
    head = body[:-1].encode()
    return head + f',"checksum":"{hashlib.sha256(head).hexdigest()}"}}\n'.encode()


def test_a_step_brings_an_older_record_up_and_its_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A made-up schema 0, in which accuracies were shares."""

    def from_0(record: dict[str, Any]) -> dict[str, Any]:
        return {**record, "test_accuracy": 100 * record.pop("share")}

    old = {**a_record(), "schema": 0, "share": 0.875}
    new = migration.upgraded(old, {0: from_0})
    assert (new["schema"], new["test_accuracy"]) == (1, 87.5)
    assert old["share"] == 0.875
    assert migration.STEPS == {}

    store = Store(tmp_path / "results")
    store.path(ID).parent.mkdir()
    store.path(ID).write_bytes(data := of_schema(0, share=0.875))
    monkeypatch.setattr(migration.upgraded, "__defaults__", ({0: from_0}, 1))
    record = store.read(ID)
    assert record is not None
    assert record["test_accuracy"] == 87.5
    assert store.rows()[ID]["accuracy"] == 87.5
    assert store.path(ID).read_bytes() == data


def test_steps_are_taken_one_after_the_other() -> None:
    steps = {n: lambda record, n=n: {**record, "path": [*record["path"], n]} for n in range(4)}
    found = migration.upgraded({"schema": 1, "path": []}, steps, newest=3)
    assert found == {"schema": 3, "path": [1, 2]}


@pytest.mark.parametrize("schema", [0, -1, None, "1", True, 1.0, [1]])
def test_a_schema_that_no_version_wrote_is_damage(schema: Any) -> None:
    with pytest.raises(Damaged, match="schema"):
        unseal(of_schema(schema), ID)


def test_a_newer_record_is_refused_in_one_line() -> None:
    with pytest.raises(
        BadInput, match=r"schema 2, but this version reads schemas up to 1: upgrade"
    ) as caught:
        unseal(of_schema(2), ID)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "fine"}, {"seed": "1"}, {"test_accuracy": 140.0}, {"test_accuracy": "90"},
        {"epochs": [{"loss": 1.0}]}, {"epochs": {"epoch": 1}}, {"seconds": [1]},
        {"correct": "<img>"}, {"versions": ["torch"]}, {"error": "x"}, {"memory": {"peak": 3}},
        {"tricks": "mixup"}, {"recipe": "r"}, {"device": 3}, {"seed": 2**70},
    ],
)  # fmt: skip
def test_a_sealed_record_of_another_shape_is_damage_and_cannot_be_written(
    fields: dict[str, Any],
) -> None:
    with pytest.raises(Damaged, match="it is no record"):
        unseal(of_schema(1, **fields), ID)
    with pytest.raises(BadInput):
        seal({**a_record(), **fields})

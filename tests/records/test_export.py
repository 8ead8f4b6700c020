"""Exports: a folder reads back as the store did, and a spreadsheet runs nothing in it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.records.csv_text import escaped, unescaped
from runner.records.export import evidence, read_export, write_csv, write_export
from runner.records.store import Store
from runner.records.studies import StoredStudy, save_study
from runner.records.study_toml import from_mapping
from tricks.errors import BadInput

NASTY = "=HYPERLINK(1)"
IMAGE = "<img onerror=…>, \"'"


def a_study(tmp_path: Path, test_images: int = 8) -> tuple[Store, StoredStudy]:
    store = Store(tmp_path / "results")
    factors = [
        {"name": NASTY, "levels": ["off", IMAGE, "@x", "'-y"], "kind": "field"},
        {"name": "lr_scale", "levels": ["1", "-0.5"], "kind": "field"},
    ]
    asked = {"name": "a", "task": "digits", "grid": "add-one", "seeds": 1, "arms": 4,
             "factors": factors, "settings": {"epochs": 5}}  # fmt: skip
    rows = []
    for n, level in enumerate(factors[0]["levels"]):
        id = f"{n:016x}"
        rows.append({"id": id, "seed": n, NASTY: level, "lr_scale": "-0.5" if n == 3 else "1"})
        record = {"id": id, "seed": n, "state": "ok", "test_accuracy": 90 + n / 3, "device": "cpu",
                  "correct": "/w==", "test_images": test_images, "parameters": 1_500_000,
                  "host": "secret", "versions": {"torch": "2"}, "code_revision": "abc",
                  "epochs": [{"epoch": 1, "loss": n / 7, "val_accuracy": None}]}  # fmt: skip
        store.commit(record if n < 3 else {"id": id, "seed": n, "state": "failed"})
    return store, save_study(store, "a", from_mapping(asked), rows)


def test_an_exported_folder_reads_back_as_the_store_did(tmp_path: Path) -> None:
    import pandas as pd

    store, study = a_study(tmp_path)
    before = evidence(store, "a")
    after = read_export(write_export(store, study, tmp_path / "out"))
    assert after.study == before.study == study
    pd.testing.assert_frame_equal(after.runs, before.runs, rtol=1e-9)
    pd.testing.assert_frame_equal(after.curves, before.curves, rtol=1e-5)
    assert after.records == before.records
    assert after.records[0].versions == {"torch": "2"}


def test_norms_of_gradients_are_exported_where_a_run_has_them(tmp_path: Path) -> None:
    import pandas as pd

    store, study = a_study(tmp_path)
    assert "grad_norm" not in evidence(store, "a").curves
    record = store.read("0" * 16)
    assert record is not None
    line = {**record["epochs"][0], "grad_norm": 2.5, "grad_norm_max": 7.0}
    other = Store(tmp_path / "other")
    other.commit({**{k: v for k, v in record.items() if k != "checksum"}, "epochs": [line]})
    held = save_study(other, "a", study.asked, study.runs)
    before = evidence(other, "a")
    assert before.curves["grad_norm_max"].tolist() == [7.0]
    after = read_export(write_export(other, held, tmp_path / "out"))
    pd.testing.assert_frame_equal(after.curves, before.curves, rtol=1e-5)


def test_an_export_is_the_same_bytes_each_time_and_names_no_host(tmp_path: Path) -> None:
    store, study = a_study(tmp_path)
    contents = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        write_export(store, study, folder)
        contents.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert contents[0] == contents[1]
    plain = [gzip.decompress(c) if c[:2] == b"\x1f\x8b" else c for c in contents[0]]
    assert not any(b"secret" in content for content in plain)


def test_bits_of_large_test_sets_are_kept_only_when_asked(tmp_path: Path) -> None:
    store, study = a_study(tmp_path, test_images=10_001)
    for correct, kept in ((None, False), (True, True), (False, False)):
        after = read_export(write_export(store, study, tmp_path / "out", correct))
        assert after.runs["correct"].notna().any() == kept


def test_a_csv_holds_nothing_that_a_spreadsheet_runs(tmp_path: Path) -> None:
    import pandas as pd

    store, study = a_study(tmp_path)
    write_csv(store, study, tmp_path / "runs.csv")
    frame = pd.read_csv(tmp_path / "runs.csv", dtype=str)
    assert list(frame["study"]) == ["a"] * 4
    assert f"'{NASTY}" in frame
    for cell in [*frame.columns, *frame.to_numpy(na_value="").ravel()]:
        assert not cell.startswith(("=", "+", "@", "\t")), cell
        assert not cell.startswith("-") or float(cell) < 0
    assert list(frame["lr_scale"]) == ["1", "1", "1", "-0.5"]


@given(st.text())
def test_escaping_has_an_inverse(text: str) -> None:
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("file", ["study.toml", "runs.csv", "epochs.csv.gz", "records.jsonl.gz"])
def test_a_broken_or_missing_file_is_named(tmp_path: Path, file: str) -> None:
    store, study = a_study(tmp_path)
    folder = write_export(store, study, tmp_path / "out")
    (folder / file).write_bytes(b"\xff\x00 =")
    with pytest.raises(BadInput, match="out"):
        read_export(folder)
    (folder / file).unlink()
    with pytest.raises(BadInput, match="out"):
        read_export(folder)


def test_a_run_that_an_export_names_twice_is_refused_with_its_rows(tmp_path: Path) -> None:
    """Three copies of a row would be three seeds, and make an interval too narrow."""
    store, study = a_study(tmp_path)
    for name in ("runs.csv", "records.jsonl.gz", "epochs.csv.gz"):
        folder = write_export(store, study, tmp_path / f"out-{name}")
        (folder / "SHA256SUMS").unlink()
        file = folder / name
        packed = name.endswith(".gz")
        lines = (gzip.decompress(file.read_bytes()) if packed else file.read_bytes()).splitlines()
        first = 0 if name == "records.jsonl.gz" else 1
        text = b"\n".join([*lines, lines[first], lines[first], b""])
        file.write_bytes(gzip.compress(text) if packed else text)
        last = len(lines)
        with pytest.raises(BadInput, match=f"cannot read .*{name}") as refused:
            read_export(folder)
        assert f"rows {first + 1}, {last + 1} and {last + 2} are of one run" in str(refused.value)
        assert "0000000000000000" in str(refused.value)


def test_a_run_of_two_stages_is_one_run_and_has_the_same_values_in_both(tmp_path: Path) -> None:
    """One row per stage; a change in one row would make it another run."""
    import csv

    source = Path(__file__).parents[2] / "results" / "ten-epochs" / "digits-tuned"
    folder = tmp_path / "digits-tuned"
    folder.mkdir()
    for file in source.glob("*.*"):
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "SHA256SUMS").unlink(missing_ok=True)
    runs = read_export(folder).runs
    shared = runs[runs["id"].duplicated()]["id"].tolist()
    assert shared
    rows = list(csv.DictReader((folder / "runs.csv").open(newline="")))
    changed = next(row for row in rows[::-1] if row["id"] == shared[0])
    changed["accuracy"] = "99.9"
    with (folder / "runs.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(BadInput, match=f"are of one run, {shared[0]}, and differ"):
        read_export(folder)

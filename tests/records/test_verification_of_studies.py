"""doctor finds damage beside a study's files, and leaves whole studies as they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from runner.records.store import Store
from runner.records.studies import load_study, save_study
from tests.records.doctored import IDS, content, doctor
from tricks.errors import BadInput


@pytest.mark.parametrize("kind", ["a byte", "empty", "a folder", "a link", "a list"])
def test_a_damaged_pending_takes_no_whole_study_with_it(
    store: Store, capsys: Any, tmp_path: Path, kind: str
) -> None:
    folder = store.root / "studies" / "s"
    before, pending = content(folder), folder / ".pending"
    if kind == "a folder":
        pending.mkdir()
    elif kind == "a link":
        pending.symlink_to(tmp_path)
    else:
        pending.write_bytes({"a byte": b'["x\xff", "y"]', "empty": b"", "a list": b"[1]"}[kind])
    code, found = doctor(store.root, capsys)
    assert code == 1
    assert [problem["path"] for problem in found["problems"]] == ["studies/s/.pending"]
    assert doctor(store.root, capsys, "--repair")[0] == 0
    assert content(folder) == before
    assert not os.path.lexists(pending)
    assert load_study(store, "s").ids == IDS


def test_a_whole_study_in_a_folder_that_was_renamed_is_told_and_stays(
    store: Store, capsys: Any
) -> None:
    folder = store.root / "studies" / "my study (copy)"
    (store.root / "studies" / "s").rename(folder)
    before = content(folder)
    code, found = doctor(store.root, capsys, "--repair")
    assert (code, found["problems"][0]["path"]) == (1, "studies/my study (copy)")
    assert content(folder) == before


@pytest.mark.parametrize("kind", ["a folder", "a link", "a pipe"])
def test_a_lock_that_is_no_file_is_told_in_one_line(
    store: Store, capsys: Any, tmp_path: Path, kind: str
) -> None:
    held = load_study(store, "s")
    lock = store.root / "studies" / "s" / ".lock"
    lock.unlink()
    if kind == "a folder":
        lock.mkdir()
    elif kind == "a link":
        lock.symlink_to(tmp_path / "elsewhere")
    else:
        os.mkfifo(lock)
    with pytest.raises(BadInput, match=r"\.lock: it is no plain file: remove it"):
        save_study(store, "s", held.asked, held.runs)
    assert not (tmp_path / "elsewhere").exists()
    assert doctor(store.root, capsys, "--repair")[0] == 0
    assert save_study(store, "s", held.asked, held.runs).ids == IDS

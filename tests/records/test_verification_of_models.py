"""doctor finds saved models that are not whole, or that have another run's name."""

from __future__ import annotations

import os
from typing import Any

import pytest

from runner.records import models
from runner.records.store import Store
from tests.records.damage import a_model
from tests.records.doctored import IDS, doctor


@pytest.mark.parametrize("kind", ["a byte", "cut", "a folder", "a pipe"])
def test_a_saved_model_that_is_not_whole_is_found_and_moved_away(
    store: Store, capsys: Any, kind: str
) -> None:
    """Each byte and each place is checked: an unverified model does not count."""
    path = a_model(store, IDS[0])
    a_model(store, IDS[1])
    assert doctor(store.root, capsys)[0] == 0
    data = path.read_bytes()
    if kind == "a byte":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif kind == "cut":
        path.write_bytes(data[:-1])
    else:
        path.unlink()
        path.mkdir() if kind == "a folder" else os.mkfifo(path)
    code, found = doctor(store.root, capsys)
    assert code == 1
    [problem] = found["problems"]
    assert (problem["kind"], problem["path"]) == ("damaged", f"models/{path.name}")
    code, found = doctor(store.root, capsys, "--repair")
    assert (code, found["problems"][0]["repaired"]) == (0, True)
    assert not os.path.lexists(path)
    assert models.fault(models.model_file(store, IDS[1])) == ""


@pytest.mark.parametrize("best", [False, True])
def test_a_whole_model_by_another_name_is_told_and_stays(
    store: Store, capsys: Any, best: bool
) -> None:
    path = a_model(store, IDS[0])
    own = a_model(store, IDS[0] if best else IDS[1], best)
    path.write_bytes(own.read_bytes())
    code, found = doctor(store.root, capsys, "--repair")
    assert (code, found["problems"][0]["kind"]) == (1, "misplaced")
    assert own.name in found["problems"][0]["what"]
    assert path.exists()
    assert models.fault(path) == f"it is {own.name} under another name"

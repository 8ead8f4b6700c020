"""Merging: runs of several stores and exports once each; conflicts are reported and left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.cli import call
from runner.records.export import evidence, write_export
from runner.records.merge import merge
from runner.records.store import Store
from runner.records.studies import load_study, save_study
from runner.records.study_toml import from_mapping
from tricks.errors import BadInput

ASKED = {
    "name": "a", "task": "digits", "grid": "add-one", "seeds": 2, "arms": 2,
    "factors": [{"name": "mixup", "levels": ["off", "on"], "kind": "trick"}],
    "settings": {"epochs": 5},
}  # fmt: skip


def record(n: int, **others: object) -> dict[str, object]:
    return {
        "id": f"{n:016x}", "seed": n, "state": "ok", "test_accuracy": 90 + n / 3, "device": "cpu",
        "correct": "/w==", "test_images": 8, "recipe": {"model": "m", "epochs": 2, "extra": 1},
        "epochs": [{"epoch": 1, "loss": n / 7, "val_accuracy": 50.0}], "resumed": 0, **others,
    }  # fmt: skip


def a_store(root: Path, *records: dict[str, object], asked: dict[str, object] = ASKED) -> Store:
    store = Store(root)
    for one in records:
        store.commit(one)
    rows = [
        {
            "id": one["id"],
            "seed": one["seed"],
            "mixup": "on" if int(str(one["seed"])) % 2 else "off",
        }
        for one in records
    ]
    save_study(store, "a", from_mapping(asked), rows)
    return store


def test_two_stores_are_joined_and_each_run_counts_once(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(0), record(1))
    a_store(tmp_path / "two", record(1), record(2), record(3))
    done = merge([tmp_path / "two"], one)
    assert (done.added, done.same, done.conflicts, done.refused) == (2, 1, [], [])
    assert sorted(load_study(one, "a").ids) == [f"{n:016x}" for n in range(4)]
    assert set(one.states().values()) == {"ok"}
    again = merge([tmp_path / "two"], one)
    assert (again.added, again.same) == (0, 3)


def test_an_export_merged_into_an_empty_store_is_the_study_again(tmp_path: Path) -> None:
    import pandas as pd

    old = a_store(tmp_path / "old", record(0), record(1))
    folder = write_export(old, load_study(old, "a"), tmp_path / "export")
    new = Store(tmp_path / "new")
    assert merge([folder], new).added == 2
    before, after = evidence(old, "a"), evidence(new, "a")
    assert after.study == before.study
    pd.testing.assert_frame_equal(after.runs, before.runs)
    pd.testing.assert_frame_equal(after.curves, before.curves, rtol=1e-5)
    assert after.records == before.records  # all of the recipe with them


def test_a_run_with_another_outcome_is_named_and_the_store_keeps_its_own(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(0), record(1))
    a_store(tmp_path / "two", record(0), record(1, test_accuracy=1.0))
    assert merge([tmp_path / "two"], one).conflicts == [f"{1:016x}"]
    kept = one.record(f"{1:016x}")
    assert kept is not None
    assert kept.test_accuracy == pytest.approx(90 + 1 / 3)


def test_a_run_that_failed_here_takes_the_outcome_from_there(tmp_path: Path) -> None:
    failed = {"id": f"{0:016x}", "seed": 0, "state": "failed"}
    one = a_store(tmp_path / "one", failed)
    a_store(tmp_path / "two", record(0))
    assert merge([tmp_path / "two"], one).added == 1
    assert one.state(f"{0:016x}") == "ok"
    a_store(tmp_path / "three", failed)  # but no failure takes the place of an outcome
    assert merge([tmp_path / "three"], one).added == 0
    assert one.state(f"{0:016x}") == "ok"


def test_predictions_come_along(tmp_path: Path) -> None:
    import numpy as np

    from runner.analysis.metrics.predictions import Predictions
    from runner.records.predictions import pack

    classes, logs = np.array([0, 1]), np.log([0.5, 0.9])
    packed = pack(Predictions(classes, classes, np.array([0, 0]), logs, logs, 2))
    two = Store(tmp_path / "two")
    two.commit(record(0, test_images=2), packed)
    one = Store(tmp_path / "one")
    merge([tmp_path / "two"], one)
    kept = one.record(f"{0:016x}")
    assert kept is not None
    assert one.predictions(kept) is not None


def test_a_study_of_other_settings_is_refused_and_its_runs_are_kept(tmp_path: Path) -> None:
    one = a_store(tmp_path / "one", record(0))
    a_store(tmp_path / "two", record(2), asked={**ASKED, "settings": {"epochs": 7}})
    done = merge([tmp_path / "two"], one)
    assert done.added == 1
    assert "study a:" in done.refused[0]
    assert load_study(one, "a").ids == [f"{0:016x}"]


def test_what_is_no_store_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    a_store(tmp_path / "two", record(0))
    target = Store(tmp_path / "one")
    with pytest.raises(BadInput, match="neither a store"):
        merge([tmp_path / "two", tmp_path], target)
    with pytest.raises(BadInput, match="the store to merge into"):
        merge([tmp_path / "one"], target)
    assert target.ids() == set()


def test_on_the_command_line_a_conflict_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_store(tmp_path / "one", record(0), record(1))
    a_store(tmp_path / "two", record(1, test_accuracy=1.0), record(2))
    command = ["merge", str(tmp_path / "two"), "--results", str(tmp_path / "one")]
    assert call([*command, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "added": 1, "same": 0, "conflicts": [f"{1:016x}"], "studies": ["a"], "refused": [],
    }  # fmt: skip
    assert call(command) == 1
    assert "1 run with different outcomes" in capsys.readouterr().out


def test_a_run_under_other_levels_is_told_and_the_study_stays_readable(tmp_path: Path) -> None:
    """A run listed twice would count twice; the runs themselves are the same, and are joined."""
    one = a_store(tmp_path / "one", record(0), record(1))
    two = a_store(tmp_path / "two", record(0), record(3))
    held = load_study(two, "a")
    rows = [{**run, "mixup": "on", "seed": 9} if run["seed"] == 0 else run for run in held.runs]
    other = Store(tmp_path / "three")
    for n in (0, 3):
        other.commit(record(n))
    save_study(other, "a", held.asked, rows)
    done = merge([other.root], one)
    assert "are of one run, 0000000000000000" in done.refused[0]
    assert load_study(one, "a").ids == [f"{n:016x}" for n in (0, 1)]
    assert (done.added, done.same) == (1, 1)

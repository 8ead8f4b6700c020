"""The index by column, and a part of a large study that stands for all of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from runner.records import index
from runner.records.export import evidence
from runner.records.run_frames import spread, table
from runner.records.store import Store
from runner.records.studies import StoredStudy, save_study
from runner.records.study_toml import StudyToml, from_mapping
from tricks.errors import BadInput

IDS = [f"{n:016x}" for n in range(40)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "results")
    for n, id in enumerate(IDS):
        store.commit(
            {
                "id": id, "state": "failed" if n == 33 else "ok", "seed": n, "test_accuracy": n / 2,
                "epochs": [{"epoch": 1, "val_accuracy": 50.0}], "recipe": {"epochs": 1},
            }
        )  # fmt: skip
    asked = {
        "name": "s", "task": "digits", "grid": "full", "seeds": 10, "settings": {}, "arms": 4,
        "factors": [{"name": f, "levels": ["off", "on"], "kind": "trick"} for f in ("a", "b")],
    }  # fmt: skip
    levels = [(a, b) for a in ("off", "on") for b in ("off", "on")]
    rows = [
        {"id": id, "seed": n // 4, "a": levels[n % 4][0], "b": levels[n % 4][1]}
        for n, id in enumerate(IDS)
    ]
    save_study(store, "s", from_mapping(asked), rows)
    return store


def test_some_columns_of_some_runs(store: Store) -> None:
    found = store.columns(("accuracy",), IDS[3:5])
    assert dict(zip(found["id"], found["accuracy"], strict=True)) == {IDS[3]: 1.5, IDS[4]: 2.0}
    assert index.read(store.root / "index.csv", ("seed",)) == {"seed": found_seeds(store)}
    assert store.columns(("seed",), ["f" * 16])["id"] == []
    with pytest.raises(BadInput, match="not a run id"):
        store.columns(("seed",), ["../x"])


def found_seeds(store: Store) -> list[int]:
    return [IDS.index(id) for id in index.read(store.root / "index.csv", ("id",))["id"]]


def test_a_record_that_comes_or_goes_changes_the_index_alone_in_that(store: Store) -> None:
    assert len(store.states()) == 40
    store.commit({"id": "a" * 16, "state": "diverged", "seed": 7})
    store.path(IDS[0]).unlink()
    states = store.states()
    assert states["a" * 16] == "diverged"
    assert IDS[0] not in states
    assert len(states) == 40
    assert (index.load(store.root / "index.csv") or {}).keys() == states.keys()
    assert store.rows(["a" * 16])["a" * 16]["seed"] == 7


def test_a_column_that_was_changed_is_not_believed(store: Store) -> None:
    store.states()
    path = store.root / "index.csv"
    data = path.read_bytes()
    at = data.index(b"19.5")
    path.write_bytes(data[:at] + b"99.5" + data[at + 4 :])
    assert index.load(path) is None
    assert index.read(path) == {name: [] for name in index.HEADER}
    assert len(index.read(path, ("state",))["state"]) == 40, "the others verify"
    assert max(store.columns(("accuracy",))["accuracy"]) == 19.5
    assert index.load(path) is not None


def test_the_frame_is_the_list_of_runs_with_what_is_recorded(store: Store) -> None:
    from runner.records.studies import load_study

    study = load_study(store)
    store.path(IDS[7]).unlink()
    frame = table(store, study)
    assert list(frame["id"]) == [id for id in IDS if id != IDS[7]]
    assert frame["accuracy"].tolist() == [n / 2 for n in range(40) if n != 7]
    assert frame.loc[frame["state"] == "failed", "id"].tolist() == [IDS[33]]
    assert frame["seed"].dtype == "int64"


def test_a_damaged_column_that_is_not_asked_for_hides_no_run(store: Store) -> None:
    store.states()
    path = store.root / "index.csv"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"19.5", b"99.5", 1))
    store.remove(IDS[0])
    assert store.states().keys() == set(IDS[1:]), "in the read that finds it"
    assert max(store.columns(("accuracy",))["accuracy"]) == 19.5


@pytest.mark.parametrize("most", [1, 5, 12, 39])
def test_a_part_has_errors_and_the_first_of_each_arm_first(store: Store, most: int) -> None:
    whole = evidence(store)
    part = evidence(store, most=most)
    assert part.runs.equals(whole.runs)
    ids = [record.id for record in part.records]
    assert len(ids) == most
    assert ids == [id for id in IDS if id in ids], "in the order planned"
    assert set(part.curves["id"]) == set(ids)
    if most >= 5:
        assert {*IDS[:4], IDS[33]} <= set(ids)
    else:
        assert ids == IDS[:1]


def test_a_small_study_is_read_whole(store: Store) -> None:
    assert len(evidence(store, most=40).records) == 40
    study = StoredStudy("t", StudyToml(task="digits", grid="full", factors=()), [])
    runs = pd.DataFrame({"id": IDS, "seed": range(40), "state": "ok"})
    assert spread(study, runs, 3) == [IDS[0], IDS[19], IDS[39]]

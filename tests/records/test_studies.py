"""Studies: a saved request is read back unchanged, and a larger request extends it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from runner.records.run_frames import epoch_frame, table
from runner.records.store import Store
from runner.records.studies import load_study, save_study, study_names
from runner.records.study_files import read_asked, write_asked
from runner.records.study_toml import StudyToml, from_mapping
from tricks.errors import BadInput


def asked(seeds: int = 1, factors: tuple[str, ...] = ("mixup",), **more: Any) -> StudyToml:
    kinds = [{"name": name, "levels": ["off", "on"], "kind": "trick"} for name in factors]
    values = {
        "name": "s", "task": "digits", "grid": "add-one", "seeds": seeds, "factors": kinds,
        "settings": {}, "reference": None, "arms": 2, **more,
    }  # fmt: skip
    return from_mapping(values)


def an_id(number: int) -> str:
    return f"{number:016x}"


def rows(*levels: tuple[str, ...], seed: int = 0, start: int = 0) -> list[dict[str, Any]]:
    names = ("mixup", "cosine")
    return [
        {"id": an_id(start + n), "seed": seed, **dict(zip(names, level, strict=False))}
        for n, level in enumerate(levels)
    ]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def test_a_study_comes_back_without_what_is_none(store: Store) -> None:
    saved = save_study(store, "s", asked(), rows(("off",), ("on",)))
    assert load_study(store, "s") == load_study(store) == saved
    assert saved.asked.reference is None
    assert "reference" not in (store.root / "studies" / "s" / "study.toml").read_text()
    assert saved.factors == ["mixup"]
    assert saved.ids == [an_id(0), an_id(1)]


@pytest.mark.parametrize(
    ("tune", "said"),
    [
        ({"tune": {"lr_scale": ["1", "2"]}}, "it has no tune_seeds"),
        ({"tune": {"lr_scale": [1.0]}, "tune_seeds": 2}, "tune is not what a study has there"),
        ({"tune": {"lr_scale": []}, "tune_seeds": 2}, "tune is not what a study has there"),
        ({"tune": {"lr_scale": ["1"]}, "tune_seeds": 2}, ""),
    ],
)
def test_what_a_tuned_study_has_is_looked_at(
    tmp_path: Path, tune: dict[str, Any], said: str
) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes(write_asked({**asked().to_mapping(), **tune}))
    with pytest.raises(BadInput, match=said) if said else contextlib.nullcontext():
        read_asked(file)


def test_more_seeds_and_factors_extend_a_study(store: Store) -> None:
    save_study(store, "s", asked(), rows(("off",), ("on",)))
    save_study(store, "s", asked(2), rows(("off",), ("on",), seed=1, start=2))
    study = save_study(
        store, "s", asked(1, ("mixup", "cosine")), rows(("off", "off"), ("off", "on"), start=10)
    )
    assert load_study(store) == study
    assert (study.asked.seeds, study.asked.arms) == (2, 3)
    assert [(r["id"], r["seed"], r["mixup"], r["cosine"]) for r in study.runs] == [
        (an_id(10), 0, "off", "off"),  # in the place of the old one of these levels and seed
        (an_id(1), 0, "on", "off"),
        (an_id(2), 1, "off", "off"),
        (an_id(3), 1, "on", "off"),
        (an_id(11), 0, "off", "on"),
    ]


def test_other_settings_take_the_name_over(store: Store) -> None:
    save_study(store, "s", asked(), rows(("off",), ("on",)))
    save_study(store, "s", asked(settings={"epochs": 5}), rows(("on",), start=7))
    assert load_study(store, "s").ids == [an_id(7)]


def test_the_latest_is_the_one_saved_last(store: Store) -> None:
    for name in ("b", "a", "c", "a"):
        save_study(store, name, asked(), rows(("off",)))
    assert study_names(store) == ["b", "c", "a"]
    assert load_study(store).name == "a"


def test_names_are_checked_and_suggested(store: Store) -> None:
    with pytest.raises(BadInput, match=r"no study in .*tricks-bench run"):
        load_study(store)
    for name in ("../x", "", ".hidden", "a/b", "x" * 200):
        with pytest.raises(BadInput, match="not a valid name of a study"):
            save_study(store, name, asked(), [])
    save_study(store, "digits-add-one", asked(), rows(("off",)))
    with pytest.raises(BadInput, match="did you mean digits-add-one"):
        load_study(store, "digits-addone")


@pytest.mark.parametrize("file", ["study.toml", "runs.csv"])
def test_a_broken_study_is_named(store: Store, file: str) -> None:
    save_study(store, "s", asked(), rows(("off",)))
    (store.root / "studies" / "s" / file).write_bytes(b"\xff = [")
    with pytest.raises(BadInput, match=file):
        load_study(store, "s")


def test_the_table_has_a_row_for_each_planned_run_with_a_record(store: Store) -> None:
    study = save_study(store, "s", asked(), rows(("off",), ("on",), ("on",), start=1))
    epochs = [{"epoch": 1, "loss": 2.0, "lr": 0.1}, {"epoch": 2, "loss": float("nan")}]
    done = {"test_accuracy": 97.5, "seconds": {"train": 4.0}, "epochs": epochs}
    store.commit({"id": an_id(2), "seed": 0, "state": "ok", "test_images": 9_000, "correct": "/w",
                  **done})  # fmt: skip
    store.commit({"id": an_id(9), "seed": 0, "state": "ok", **done})  # of another study
    store.commit({"id": an_id(1), "seed": 0, "state": "failed", "error": {"type": "X"}})
    for _ in range(2):  # from records, then from the index
        frame = table(store, study)
        assert list(frame["id"]) == [an_id(1), an_id(2)]
        assert list(frame["mixup"]) == ["off", "on"]
        assert list(frame["state"]) == ["failed", "ok"]
        assert frame["accuracy"].isna().tolist() == [True, False]
        assert frame["train_seconds"].iloc[1] == 4.0
        assert frame["correct"].iloc[1] == "/w"
    long = epoch_frame(filter(None, map(store.record, study.ids)))
    assert list(long["epoch"]) == [1, 2]
    assert long["loss"].isna().tolist() == [False, True]


def test_an_empty_study_gives_empty_frames(store: Store) -> None:
    study = save_study(store, "s", asked(), rows(("off",)))
    assert len(table(store, study)) == len(epoch_frame([])) == 0
    assert "accuracy" in table(store, study)

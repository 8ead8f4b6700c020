"""study.toml: written again unchanged, and refused with the name of a wrong key."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from msgspec.structs import replace

from runner.records.export import read_export, write_export
from runner.records.store import Store
from runner.records.studies import load_study, save_study
from runner.records.study_files import write_asked
from runner.records.study_toml import KEYS, checked, from_mapping
from tricks.errors import BadInput

ROOT = Path(__file__).parents[2]
COMMITTED = [
    *sorted(ROOT.glob("results/*/digits-*/study.toml")),
    *sorted(ROOT.glob("tests/records/golden/*/export/study.toml")),
]
LEAST = {
    "task": "digits",
    "grid": "add-one",
    "factors": [{"name": "mixup", "kind": "trick", "levels": ["off", "on"]}],
}


def test_committed_studies_are_written_again_byte_for_byte() -> None:
    assert len(COMMITTED) > 10
    for file in COMMITTED:
        data = file.read_bytes()
        assert write_asked(checked(tomllib.loads(data.decode()), file).to_mapping()) == data, file


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_wrong_value_is_told_by_its_key(key: str) -> None:
    with pytest.raises(BadInput, match=f"study.toml: {key} is not what a study has there"):
        checked({**LEAST, key: [[]]}, Path("study.toml"))


@pytest.mark.parametrize("key", sorted(LEAST))
def test_a_missing_key_is_told(key: str) -> None:
    rest = {name: value for name, value in LEAST.items() if name != key}
    with pytest.raises(BadInput, match=f"study.toml: it has no {key}; restore the file"):
        checked(rest, Path("study.toml"))


def test_keys_of_other_versions_go_into_an_export_as_they_came(tmp_path: Path) -> None:
    store = Store(tmp_path / "results")
    asked = from_mapping({**LEAST, "later": {"a": [1, 2.5]}, "other": "x"})
    save_study(store, "s", asked, [{"id": "0" * 16, "seed": 0, "mixup": "on"}])
    stored = load_study(store)
    assert stored.asked == asked
    assert stored.asked.other == {"later": {"a": [1, 2.5]}, "other": "x"}
    written = read_export(write_export(store, stored, tmp_path / "out"))
    assert written.study.asked == replace(asked, name="s")

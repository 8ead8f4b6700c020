"""Lists of packages: kept once, named by records, taken along by exports and merges, verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.execution.messages import Assignment, Recorded
from runner.execution.work import Outcome
from runner.execution.worker import perform
from runner.records import environments
from runner.records.export import read_export, write_export
from runner.records.merge import merge
from runner.records.run import Run
from runner.records.store import Store
from runner.records.studies import save_study
from runner.records.study_toml import from_mapping
from runner.records.verification import verify
from tests.records.damage import ID, a_record

TEXT = "# Python 3.11.9\nnumpy==2.1.0\nours @ git+https://host/ours@0a1b\ntorch==2.10.0\n"
OTHER = "fedcba9876543210"
FACTORS = [{"name": "mixup", "kind": "trick", "levels": ["off", "on"]}]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A study of two runs, of which one names its list."""
    store = Store(tmp_path / "results")
    environments.save(store.root, TEXT)
    store.commit(a_record(ID, environment_sha256=environments.digest(TEXT)))
    store.commit(a_record(OTHER))
    asked = from_mapping({"name": "s", "task": "digits", "grid": "full", "factors": FACTORS})
    rows = [{"id": ID, "seed": 7, "mixup": "on"}, {"id": OTHER, "seed": 7, "mixup": "off"}]
    save_study(store, "s", asked, rows)
    return store


def test_the_list_is_one_that_pip_takes_and_has_what_is_imported_here() -> None:
    import numpy

    text = environments.here()
    assert f"\nnumpy=={numpy.__version__}\n" in text
    assert text.startswith("# Python 3.")
    assert environments.versions(text, ["numpy"])["numpy"] == numpy.__version__
    assert environments.versions(TEXT, ["ours", "torch"]) == {
        "python": "3.11.9",
        "torch": "2.10.0",
    }


def test_a_package_that_cannot_be_read_ends_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise ValueError("metadata")

    monkeypatch.setattr(environments, "installed", broken)
    environments.here.cache_clear()
    assert environments.here() == ""
    environments.here.cache_clear()


def test_a_worker_keeps_each_list_once_and_the_id_is_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for id, packages in ((ID, TEXT), (OTHER, TEXT), ("0" * 16, "")):
        run = Run(id, 1, (), {"seed": 1})
        fate = perform(
            store, lambda *given, packages=packages: Outcome("ok", packages=packages),
            Assignment(run),
        )  # fmt: skip
        assert isinstance(fate, Recorded)
    digest = environments.digest(TEXT)
    assert [p.name for p in (tmp_path / "environments").iterdir()] == [f"{digest}.txt"]
    named = [store.record(id).environment_sha256 for id in (ID, OTHER, "0" * 16)]
    assert named == [digest, digest, None]
    assert environments.load(tmp_path, digest) == TEXT


def test_exports_and_merges_take_the_list_along(store: Store, tmp_path: Path) -> None:
    from runner.records.studies import load_study

    folder = write_export(store, load_study(store, "s"), tmp_path / "export")
    digest = environments.digest(TEXT)
    found = read_export(folder).records
    assert {r.id: r.environment_sha256 for r in found} == {ID: digest, OTHER: None}
    for name, source in (("a", folder), ("b", store.root)):
        other = Store(tmp_path / name)
        merge([source], other)
        assert environments.load(other.root, digest) == TEXT
        assert verify(other.root).problems == []
    assert verify(folder).findings == []


def test_doctor_says_what_is_damaged_or_gone(store: Store) -> None:
    file = environments.path(store.root, environments.digest(TEXT))
    assert verify(store.root).findings == []
    file.write_text(TEXT + "x")
    assert environments.load(store.root, file.stem) is None
    found = verify(store.root)
    assert [(f.kind, f.path) for f in found.problems] == [("damaged", f"environments/{file.name}")]
    assert found.mend() == {}
    after = verify(store.root)
    assert after.problems == []
    assert [f.description for f in after.findings] == [
        "1 list of packages that records name: not here"
    ]

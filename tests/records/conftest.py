"""A store with a study, for doctor to look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.records.store import Store
from runner.records.studies import save_study
from runner.records.study_toml import from_mapping
from tests.records.damage import a_record
from tests.records.doctored import IDS


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Five records, a study that names them and one more, an index."""
    store = Store(tmp_path / "results")
    for n, id in enumerate(IDS[:5]):
        store.commit(a_record(id, seed=n))
    factors = [{"name": "mixup", "levels": ["off", "on"]}]
    rows = [{"id": id, "seed": n, "mixup": "off"} for n, id in enumerate(IDS)]
    asked = from_mapping({"task": "digits", "grid": "add-one", "factors": factors})
    save_study(store, "s", asked, rows)
    store.rows()
    return store

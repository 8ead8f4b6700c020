"""A study from the store as the analysis wants it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.records.store import Store
from runner.records.studies import StudyFile, load_study

if TYPE_CHECKING:
    from runner.analysis.experiment import Experiment


def open_study(results: Path, name: str | None) -> tuple[Store, StudyFile]:
    """The store and the study `name`, or the latest. Raises BadInput if either is missing."""
    store = Store(results, create=False)
    return store, load_study(store, name)


def experiment(store: Store, study: StudyFile) -> Experiment:
    """The study's recorded runs with its factors, the reference of each first."""
    from runner.analysis.experiment import Experiment
    from runner.records.table import table

    asked = study.asked
    return Experiment(
        runs=table(store, study),
        factors={factor["name"]: tuple(factor["levels"]) for factor in asked["factors"]},
        grid=asked["grid"],
        order=tuple(asked.get("order", ())),
        reference=dict(asked.get("reference", {})),
    )

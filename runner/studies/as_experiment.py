"""Turn a study and its recorded runs into an Experiment, the input of the analysis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.analysis.data.experiment import LEVEL, Experiment
from runner.records.studies import StoredStudy

if TYPE_CHECKING:
    import pandas


def as_experiment(
    stored: StoredStudy, runs: pandas.DataFrame, notes: Sequence[str] = (), level: float = LEVEL
) -> Experiment:
    """`runs` with the study's factors, the reference level of each first. level: of every test."""
    asked = stored.asked
    remarks = asked.script.remarks() if asked.script is not None else {}
    return Experiment(
        runs=runs,
        factors=stored.levels,
        grid=asked.grid,
        order=asked.order or (),
        reference=dict(asked.reference or {}),
        notes=tuple(notes),
        level=level,
        remarks=remarks,
    )

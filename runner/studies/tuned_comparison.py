"""A tuned study: its effects at the fixed and at the tuned values, and the cost of tuning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.analysis.analyze import analyze
from runner.analysis.result import Analysis
from runner.records.record_schema import Seconds
from runner.studies.experiments import experiment
from runner.studies.stages import StudyTuning, study_tuning
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.export import Evidence


@dataclass(frozen=True)
class Spent:
    """A number of recorded runs, their core-hours of CPU and their hours of run time."""

    runs: int
    core_hours: float
    hours: float


@dataclass(frozen=True)
class TuningCost:
    """The cost of the tuning and of the study itself. shared: runs both fixed and tuned."""

    tuning: Spent
    study: Spent
    shared: int


@dataclass(frozen=True)
class TunedComparison:
    """Both stages of a tuned study. fixed, tuned: an analysis, or why it is missing."""

    tuning: StudyTuning
    fixed: Analysis | str
    tuned: Analysis | str
    cost: TuningCost


def stage_analysis(
    found: Evidence, stage: str, metric: str, negligible: float | None
) -> Analysis | str:
    """The analysis of a stage's runs, or why it is missing."""
    try:
        runs = experiment(found.study, found.runs, stage)
        return analyze(runs, metric, negligible=negligible)
    except BadInput as error:
        return str(error)


def comparison(found: Evidence, metric: str, negligible: float | None) -> TunedComparison:
    """A tuned study's effects at both stages, and the choices of its arms."""
    fixed, tuned = (
        stage_analysis(found, stage, metric, negligible) for stage in ("fixed", "tuned")
    )
    return TunedComparison(study_tuning(found.study, found.runs), fixed, tuned, _cost(found))


def _cost(found: Evidence) -> TuningCost:
    """The cost of tuning runs, and of fixed and tuned runs; each run counts once."""
    by_id = {record.id: record.seconds or Seconds() for record in found.records}
    stages = ("tuning", "fixed", "tuned")
    tuning, fixed, tuned = (set(found.study.of_stage(stage).ids) for stage in stages)

    def spent(ids: set[str]) -> Spent:
        there = [by_id[id] for id in ids if id in by_id]
        return Spent(
            len(there),
            core_hours=sum(s.cpu or 0.0 for s in there) / 3600,
            hours=sum(s.total or 0.0 for s in there) / 3600,
        )

    return TuningCost(spent(tuning), spent(fixed | tuned), len(fixed & tuned))

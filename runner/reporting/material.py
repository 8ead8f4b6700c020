"""The material of a report: a study's analysis, and all else that its sections tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.analysis.analyze import analyze
from runner.analysis.result import Analysis
from runner.records.record import STATES
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from runner.analysis.data.experiment import Experiment
    from runner.planning.checked import Checked
    from runner.planning.realised import RealisedDesign
    from runner.records.export import Evidence
    from runner.records.shape import Record
    from runner.records.study_toml import StudyToml
    from runner.studies.equal_comparison import EqualComparison
    from runner.studies.tuned_comparison import TunedComparison

MOST = 10_000  # records that are read; of a larger study some stand for all


@dataclass(frozen=True)
class Question:
    """How a study is to be analysed: as the options of `analyze` and `report` say it."""

    metric: str = "accuracy"
    negligible: float | None = None
    noise: str = "own"
    scale: str = "raw"
    stage: str | None = None


@dataclass(frozen=True)
class Material:
    """What the sections of a report are made of.

    study: its name. experiment: the runs analysed. curves: one row an epoch of a
    run (id, epoch, `CURVES`). asked: what the study asked for. records: what its runs left
    behind; of a large study some stand for all. costs: the runs whose seconds are summed.
    listed: the number of runs in the study's own list. tuning: of a tuned study, both its stages
    and what the arms chose; equal: the same of one of equal time. design: as planned and as run.
    stage: of a study with stages, the one shown.
    checked: what the check of its baseline says, where the store has one.
    """

    study: str
    analysis: Analysis
    experiment: Experiment
    curves: pd.DataFrame
    asked: StudyToml
    records: Sequence[Record]
    costs: pd.DataFrame
    listed: int = 0
    tuning: TunedComparison | None = None
    equal: EqualComparison | None = None
    design: RealisedDesign | None = None
    stage: str | None = None
    checked: Checked | None = None

    @property
    def title(self) -> str:
        """The heading of the report."""
        return self.asked.name or "study"

    @property
    def states(self) -> dict[str, int]:
        """Recorded runs by state."""
        return {k: v for k, v in self.analysis.runs.states.items() if k in STATES}

    @property
    def done(self) -> int:
        """Recorded runs."""
        return sum(self.states.values())

    @property
    def planned(self) -> int:
        """Runs of the study, recorded or not."""
        return max(self.listed, self.done)

    @property
    def study_notes(self) -> list[str]:
        """The study's own notes: on its looks, its stage or what it confirms."""
        return [note for note in self.experiment.notes if note in self.analysis.notes]


def gather(results: Path, name: str | None = None, question: Question | None = None) -> Material:
    """The material on the study `name`, or on the exported folder of that name.

    results: the store. name: by default the latest study. Raises BadInput where there is nothing
    to report.
    """
    from runner.planning.check_runs import beside, for_study
    from runner.planning.checked import checked
    from runner.records.export import evidence
    from runner.records.store import Store
    from runner.studies.experiments import exported

    question = question or Question()
    found = exported(name, question.metric)
    store = None if found else Store(results, create=False)
    if store is not None:
        found = evidence(store, name, MOST, question.metric)
    assert found is not None
    data = next((record.data for record in found.records if record.data), None)
    asked, material = found.study.asked, of_evidence(found, question)
    runs = for_study(store, asked, data) if store else beside(Path(name or ""), asked, data)
    return material if runs is None else replace(material, checked=checked(runs, asked.seeds or 0))


def of_evidence(found: Evidence, question: Question) -> Material:
    """The material on a study whose files are read. Raises BadInput where there is no run."""
    from runner.planning.realised import study_design
    from runner.studies import equal_comparison, tuned_comparison
    from runner.studies.experiments import experiment
    from runner.studies.stages import at_stage, planned_runs

    study, metric, negligible = found.study, question.metric, question.negligible
    if found.runs.empty:
        raise BadInput(f"the study {study.name} has no recorded runs yet: run it first")
    _, _, stage = at_stage(study, found.runs, question.stage)
    runs = replace(experiment(study, found.runs, stage), noise=question.noise, scale=question.scale)
    return Material(
        study.name,
        analyze(runs, metric, negligible=negligible),
        runs,
        found.curves,
        study.asked,
        found.records,
        found.runs,
        planned_runs(study, stage),
        tuned_comparison.comparison(found, metric, negligible) if study.asked.tune else None,
        equal_comparison.comparison(found, metric, negligible) if study.asked.equal else None,
        study_design(study if stage is None else study.at("fixed"), runs, metric),
        stage,
    )

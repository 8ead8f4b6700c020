"""The material of a report: a study's analysis, and all other data that its sections show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from runner.analysis.analyze import analyze
from runner.analysis.data.labels import arm_label
from runner.analysis.recommended import Recommended, recommended
from runner.analysis.result import Analysis
from runner.records.layout import RESULTS
from runner.records.record import STATES
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from runner.analysis.data.experiment import Experiment
    from runner.analysis.test_set.class_change import ClassComparison
    from runner.planning.checked import Checked
    from runner.planning.next_steps import Step
    from runner.planning.planned_vs_actual_design import RealisedDesign
    from runner.records.examples import Example
    from runner.records.export import Evidence
    from runner.records.record_schema import Record
    from runner.records.store import Store
    from runner.records.study_toml import StudyToml
    from runner.studies.equal_comparison import EqualComparison
    from runner.studies.tuned_comparison import TunedComparison

MOST_RECORDS = 10_000  # records that are read; a larger study is sampled
MOST_PREDICTED = 20  # runs of an arm whose predictions are read


@dataclass(frozen=True)
class Question:
    """How to analyse a study: the options of `analyze` and `report`."""

    metric: str = "accuracy"
    negligible: float | None = None
    noise: str = "own"
    scale: str = "raw"
    stage: str | None = None


@dataclass(frozen=True)
class Material:
    """The data for all sections of a report.

    study: the name. experiment: the runs analysed. curves: one row for each epoch of a
    run (id, epoch, `CURVES`). asked: the study's request. records: the records of its runs, a
    sample of them for a large study. costs: the runs whose seconds are summed.
    listed: the number of runs in the study's list. tuning: both stages of a tuned study, and the
    values that its arms chose. equal: the same for a study of equal time. design: as planned and
    as run. stage: the stage shown, for a study with stages.
    checked: the check of the baseline, where the store has one. results: the store.
    question: as it was asked. lists: the packages that runs were trained with, by digest.
    place: the folder of study.toml and of these lists. out: the folder of the report.
    examples: images of augmentations. classes: per-class results of the baseline and the
    recommended recipe, where the store has predictions.
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
    results: Path = RESULTS
    examples: Sequence[Example] = ()
    classes: ClassComparison | None = None
    question: Question = field(default_factory=Question)
    lists: Mapping[str, str] = field(default_factory=dict)
    place: Path | None = None
    out: Path | None = None

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
        """Notes on the study's looks, its stage or the winner it confirms."""
        return [note for note in self.experiment.notes if note in self.analysis.notes]

    @cached_property
    def arms(self) -> dict[str, str]:
        """Run id -> label of its arm. A run that two studies share has an arm in each."""
        levels, runs = self.experiment.factors, self.experiment.runs
        if "id" not in runs:
            return {}
        rows = zip(*(runs[name].astype(str) for name in ("id", *levels)), strict=True)
        return {id: arm_label(dict(zip(levels, row, strict=True)), levels) for id, *row in rows}

    @cached_property
    def recommended(self) -> Recommended | str:
        """The recipe to use, or the reason why there is none."""
        return recommended(self.experiment, self.analysis.metric)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The next steps, as commands with their costs."""
        from runner.planning.next_steps import Situation, next_steps

        found = None if isinstance(self.recommended, str) else self.recommended
        took = self.costs["total_seconds"].dropna() if "total_seconds" in self.costs else ()
        run = next(iter(self.ids(found.levels)), None) if found is not None else None
        return next_steps(
            Situation(
                self.asked,
                self.analysis,
                found,
                self.planned - self.done,
                run,
                float(sum(took)) / len(took) if len(took) else None,
                self.results,
            )
        )

    def ids(self, levels: Mapping[str, str]) -> list[str]:
        """The ids of the finished runs of an arm."""
        from runner.analysis.data.experiment import succeeded

        runs = self.experiment.runs
        if "id" not in runs:
            return []
        fine = succeeded(runs)
        for name, level in levels.items():
            fine &= runs[name].astype(str).eq(level)
        return list(runs.loc[fine, "id"])


def gather(results: Path, name: str | None = None, question: Question | None = None) -> Material:
    """The material for the study `name`, or for the exported folder of that name.

    results: the store. name: by default the latest study. Raises BadInput if there is nothing
    to report.
    """
    from runner.planning.check_runs import beside, for_study
    from runner.planning.checked import checked
    from runner.records import environments, examples
    from runner.records.export import evidence
    from runner.records.store import Store
    from runner.studies.experiments import exported

    question = question or Question()
    found = exported(name, question.metric)
    store = None if found else Store(results, create=False)
    if store is not None:
        found = evidence(store, name, MOST_RECORDS, question.metric)
    assert found is not None
    data = next((record.data for record in found.records if record.data), None)
    asked, material = found.study.asked, of_evidence(found, question)
    place = Path(name or "") if store is None else store.root
    shown = place / examples.FOLDER if store is None else examples.folder(place, data or {})
    material = replace(
        material,
        results=results,
        examples=examples.load(shown),
        lists=environments.found(place, (record.environment_sha256 for record in found.records)),
        place=place,
    )
    material = replace(material, classes=_classes(material, place if store is None else store))
    runs = for_study(store, asked, data) if store else beside(Path(name or ""), asked, data)
    return material if runs is None else replace(material, checked=checked(runs, asked.seeds or 0))


def _classes(m: Material, source: Store | Path) -> ClassComparison | None:
    """The recommended recipe beside the baseline; if they are the same, the best other arm."""
    from runner.analysis.test_set.class_change import compared
    from runner.records.confusions import of_runs

    found = m.recommended
    arms = {arm.label: arm.levels for arm in m.analysis.arms}
    others = [a for a in m.analysis.arms if a.label != "baseline" and a.val_accuracy is not None]
    if "baseline" not in arms or not others:
        return None
    label = max(others, key=lambda arm: arm.val_accuracy or 0.0).label
    if not isinstance(found, str) and not found.is_baseline and found.label in arms:
        label = found.label
    ids = [m.ids(arms[arm])[:MOST_PREDICTED] for arm in ("baseline", label)]
    counts, names = of_runs(source, [id for runs in ids for id in runs])
    held = [[counts[id] for id in runs if id in counts] for runs in ids]
    names = next((example.names for example in m.examples if not example.text), names)
    return compared(label, names, *held)


def of_evidence(found: Evidence, question: Question) -> Material:
    """The material for a study whose files are read. Raises BadInput if it has no runs."""
    from runner.planning.planned_vs_actual_design import study_design
    from runner.studies import equal_comparison, tuned_comparison
    from runner.studies.experiments import experiment
    from runner.studies.stages import at_stage, planned_runs

    study, negligible = found.study, question.negligible
    metric = study.asked.meant(question.metric)
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
        study_design(study if stage is None else study.of_stage("fixed"), runs, metric),
        stage,
        question=question,
    )

"""A study, from the store or from an exported folder, as the analysis wants it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.stages import at_stage, stage_note
from runner.records.export import is_export, read_export
from runner.records.store import Store
from runner.records.studies import StudyFile, load_study

if TYPE_CHECKING:
    import pandas

    from runner.analysis.experiment import Experiment
    from runner.records.export import Evidence


def open_study(results: Path, name: str | None) -> tuple[Store, StudyFile]:
    """The store and the study `name`, or the latest. Raises BadInput if either is missing."""
    store = Store(results, create=False)
    return store, load_study(store, name)


def exported(name: str | None) -> Evidence | None:
    """The study in the folder `name`, if that is an exported one."""
    return read_export(Path(name)) if name is not None and is_export(Path(name)) else None


def study_runs(results: Path, name: str | None) -> tuple[StudyFile, pandas.DataFrame]:
    """The study `name`, or in the exported folder of that name, and its recorded runs."""
    found = exported(name)
    if found is not None:
        return found.study, found.runs
    from runner.records.table import table

    store, study = open_study(results, name)
    return study, table(store, study)


def study_experiment(results: Path, name: str | None, stage: str | None = None) -> Experiment:
    """The recorded runs of the study `name`, or of the exported folder of that name."""
    return experiment(*study_runs(results, name), stage)


def experiment(study: StudyFile, runs: pandas.DataFrame, stage: str | None = None) -> Experiment:
    """`runs` with the study's factors, the reference of each first.

    Of a tuned study those of one stage: see `stages.at_stage`. Raises BadInput for a stage that
    there is not.
    """
    from runner.analysis.experiment import LEVEL, Experiment
    from runner.studies.looks import stored_looks

    asked = study.asked
    looks = stored_looks(asked)
    part, runs, stage = at_stage(study, runs, stage)
    notes: list[str] = [] if stage is None else [stage_note(study, stage)]
    study = part
    if looks is not None:
        from runner.commands.until import looks_note

        notes.append(looks_note(study, len(runs)))
    if asked.get("confirm"):
        from runner.commands.confirm import promise_notes

        notes += promise_notes(study, runs)
    return Experiment(
        runs=runs,
        factors={factor["name"]: tuple(factor["levels"]) for factor in asked["factors"]},
        grid=asked["grid"],
        order=tuple(asked.get("order", ())),
        reference=dict(asked.get("reference", {})),
        notes=tuple(notes),
        level=looks[1] if looks is not None else LEVEL,
    )

"""Read a study, from the store or from an exported folder, for the analysis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.records.export import evidence, is_export
from runner.records.store import Store
from runner.records.studies import StoredStudy, load_study
from runner.studies.stages import at_stage, stage_note

if TYPE_CHECKING:
    import pandas

    from runner.analysis.data.experiment import Experiment
    from runner.records.export import Evidence


def open_study(results: Path, name: str | None) -> tuple[Store, StoredStudy]:
    """The store and the study `name`, or the latest. Raises BadInput if either is missing."""
    store = Store(results, create=False)
    return store, load_study(store, name)


def exported(name: str | None, metric: str | None = None) -> Evidence | None:
    """The study in the folder `name`, if this is an exported study. metric: as for `table`."""
    if name is None or not is_export(Path(name)):
        return None
    return evidence(Path(name), metric=metric)


def study_runs(
    results: Path, name: str | None, metric: str | None = None
) -> tuple[StoredStudy, pandas.DataFrame]:
    """The study `name`, or the study in the exported folder `name`, and its recorded runs.

    metric: as for `table`.
    """
    found = exported(name, metric)
    if found is not None:
        return found.study, found.runs
    from runner.records.run_frames import table

    store, stored = open_study(results, name)
    return stored, table(store, stored, metric)


def study_experiment(results: Path, name: str | None) -> Experiment:
    """The recorded runs of the study `name`, or of the exported folder `name`."""
    return experiment(*study_runs(results, name))


def experiment(stored: StoredStudy, runs: pandas.DataFrame, stage: str | None = None) -> Experiment:
    """`runs` with the study's factors, the reference level of each first, and notes.

    For a study with stages, the runs of one stage: see `stages.at_stage`. Raises BadInput for an
    unknown stage.
    """
    from runner.analysis.data.experiment import LEVEL
    from runner.studies.as_experiment import as_experiment
    from runner.studies.looks import looks_note, stored_looks
    from runner.studies.quick import proxy_note
    from runner.studies.script_notes import script_notes
    from runner.studies.winner import promise_notes

    looks = stored_looks(stored.asked)
    part, runs, stage = at_stage(stored, runs, stage)
    notes: list[str] = [] if stage is None else [stage_note(stored, stage)]
    proxy = proxy_note(stored.asked)
    if proxy is not None:
        notes.insert(0, proxy)
    if looks is not None:
        notes.append(looks_note(part, len(runs)))
    if stored.asked.confirm:
        notes += promise_notes(part, runs)
    notes += script_notes(part, runs)
    return as_experiment(part, runs, notes, LEVEL if looks is None else looks[1])

"""The progress of a stored study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.execution.failed_runs import FailedRun, RunningRun, failures, running_runs
from runner.records import checkpoints
from runner.records.record import STATES
from runner.studies.stages import stage_states

if TYPE_CHECKING:
    from runner.records.store import Store
    from runner.records.studies import StoredStudy


@dataclass(frozen=True)
class Kept:
    """A checkpoint after `epoch` of `epochs`, from which a run can continue."""

    id: str
    epoch: int | None
    epochs: int | None


@dataclass(frozen=True)
class StudyProgress:
    """The progress of a study.

    planned: number of runs, with tuned runs that wait for a choice. states: number of runs by the
    state of their record. missing: runs without a record. stages: of a study with stages.
    """

    planned: int
    states: Mapping[str, int]
    missing: int
    running: tuple[RunningRun, ...]
    failures: tuple[FailedRun, ...]
    checkpoints: tuple[Kept, ...]
    stages: Mapping[str, Mapping[str, int]] | None


def progress(store: Store, stored: StoredStudy) -> StudyProgress:
    """How far the study is in its store."""
    held = store.states(stored.ids)
    states = [held.get(id) for id in stored.column("id")]
    stages = None
    if stored.asked.staged:
        # A tuned run at the fixed value is the fixed run: each is counted once.
        stages, to_choose = stage_states(stored, held)
        states = [*(held.get(id) for id in stored.ids), *[None] * to_choose]
    running = running_runs(store, stored)
    idle = set(stored.ids) - {run.id for run in running}
    kept = checkpoints.heads(store.root, idle)
    return StudyProgress(
        planned=len(states),
        states={state: states.count(state) for state in STATES},
        missing=states.count(None),
        running=tuple(running),
        failures=tuple(failures(store, held)),
        checkpoints=tuple(
            Kept(id, told.epoch, told.epochs)
            for id, told in kept.items()
            if held.get(id, "infra") == "infra"
        ),
        stages=stages,
    )

"""The runs of a study with stages, and how many of each stage there are. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, NamedTuple

from runner.designs.field import field_text
from runner.studies.any_study import AnyStudy, S

if TYPE_CHECKING:
    from runner.designs.factor import Arm


class Planned(NamedTuple, Generic[S]):
    """A run of one stage: an arm at a value of the tuned field, or with its epochs."""

    stage: str
    arm: Arm
    value: float
    spec: S


@dataclass(frozen=True)
class Known(Generic[S]):
    """The runs known so far. to_choose: the number of unknown runs, of arms without a choice."""

    stages: tuple[str, ...]
    runs: tuple[Planned[S], ...]
    to_choose: int


def row(study: AnyStudy[S], run: Planned[S]) -> dict[str, str | int]:
    """The run as a row of the study's table, with its stage and its value of the field."""
    return {
        **study.row(run.arm, run.spec), "stage": run.stage, study.staged: field_text(run.value)
    }  # fmt: skip


@dataclass(frozen=True)
class StageCount:
    """The number of runs of a stage, and of runs with a valid record."""

    runs: int
    recorded: int


@dataclass(frozen=True)
class StageCounts:
    """The number of runs of each stage. runs, recorded: of all stages; each run counts once.

    shared: runs of the last stage that are fixed runs too. not_chosen: runs of arms without a
    choice.
    """

    stages: Mapping[str, StageCount]
    runs: int
    recorded: int
    shared: int
    not_chosen: int


def stage_counts(known: Known[S], standing: Set[str]) -> StageCounts:
    """The number of runs of each stage, and how many of them are in the store.

    standing: ids of valid records. Runs of the last stage count as missing until their arm has
    chosen. If an arm chose the fixed value, its last runs are the fixed runs, and are not counted
    again.
    """
    last = known.stages[-1]
    ids: dict[str, list[str]] = {stage: [] for stage in known.stages}
    for run in known.runs:
        ids[run.stage].append(run.spec.id)

    def count(found: Sequence[str]) -> StageCount:
        return StageCount(len(found), sum(id in standing for id in found))

    stages = {stage: count(found) for stage, found in ids.items()}
    stages[last] = replace(stages[last], runs=stages[last].runs + known.to_choose)
    fixed = set(ids["fixed"])
    shared = count([id for id in ids[last] if id in fixed])
    return StageCounts(
        stages,
        runs=sum(stage.runs for stage in stages.values()) - shared.runs,
        recorded=sum(stage.recorded for stage in stages.values()) - shared.recorded,
        shared=shared.runs,
        not_chosen=known.to_choose,
    )

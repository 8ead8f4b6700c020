"""The runs of a study with stages, and how many of each stage there are. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple

from runner.designs.field import field_text
from runner.studies.any_study import AnyStudy, S

if TYPE_CHECKING:
    from runner.designs.factor import Arm


class Planned(NamedTuple, Generic[S]):
    """A run of one stage: an arm at a value of the field of which each arm has its own."""

    stage: str
    arm: Arm
    value: float
    spec: S


@dataclass(frozen=True)
class Known(Generic[S]):
    """The runs that are known by now. stages: names. to_choose: runs of the last stage that are
    still unknown, as their arms have not chosen.
    """

    stages: tuple[str, ...]
    runs: tuple[Planned[S], ...]
    to_choose: int


def row(study: AnyStudy[S], run: Planned[S]) -> dict[str, str | int]:
    """The run as the study's table lists it: with its stage, and its value of the field."""
    return {
        **study.row(run.arm, run.spec), "stage": run.stage, study.staged: field_text(run.value)
    }  # fmt: skip


@dataclass(frozen=True)
class StageCount:
    """Runs of a stage, and how many have a record that stands."""

    runs: int
    recorded: int


@dataclass(frozen=True)
class StageCounts:
    """Runs of each stage; runs and recorded: of all together, each run counted once.

    shared: runs of the last stage that are fixed runs. not_chosen: those of arms that have not
    chosen.
    """

    stages: Mapping[str, StageCount]
    runs: int
    recorded: int
    shared: int
    not_chosen: int


def stage_counts(known: Known[S], standing: Set[str]) -> StageCounts:
    """How many runs each stage has and how many are in the store.

    standing: ids of the records that stand. Runs of the last stage of an arm that has not chosen
    yet count as missing; those of one that chose the fixed value are the fixed runs themselves and
    are not counted again.
    """
    last = known.stages[-1]
    ids: dict[str, list[str]] = {stage: [] for stage in known.stages}
    for run in known.runs:
        ids[run.stage].append(run.spec.id)
    stages = {
        stage: StageCount(
            len(found) + known.to_choose * (stage == last), sum(id in standing for id in found)
        )
        for stage, found in ids.items()
    }
    fixed = set(ids["fixed"])
    shared = [id for id in ids[last] if id in fixed]
    return StageCounts(
        stages,
        runs=sum(count.runs for count in stages.values()) - len(shared),
        recorded=sum(count.recorded for count in stages.values()) - _recorded(shared, standing),
        shared=len(shared),
        not_chosen=known.to_choose,
    )


def _recorded(ids: Sequence[str], standing: Set[str]) -> int:
    return sum(id in standing for id in ids)

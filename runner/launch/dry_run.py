"""A dry run: the study, and which of its runs the store already has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.launch.kinds import kind_of
from runner.launch.opening import opened
from runner.launch.options import Options
from runner.launch.todo import todo
from runner.launch.tuned import counts
from runner.planning.detects import Detects, detects
from runner.planning.hours import Hours

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.records.store import Store
    from runner.studies.any_study import AnyStudy, S
    from runner.studies.stage_runs import StageCounts


@dataclass(frozen=True)
class DryRun:
    """What `run` would train for `study`.

    runs: of all stages. recorded: runs with a valid record; None if there are too many to look up.
    stages: for a study with stages and not too many runs. without_weights: recorded runs that would
    be trained again to keep their weights. detects: the smallest effect that the study detects.
    """

    study: AnyStudy[Spec]
    runs: int
    recorded: int | None
    stages: StageCounts | None
    hours: Hours
    without_weights: int
    detects: Detects

    @property
    def missing(self) -> int | None:
        """Runs to train; None if there are too many to look up."""
        return None if self.recorded is None else self.runs - self.recorded


def dry_run(study: AnyStudy[S], options: Options) -> DryRun:
    """What `run` would train for `study`; nothing is written.

    Raises BadInput if the task's images are missing, or if the store has a conflicting study.
    """
    from runner.studies.staged import size

    study, store = opened(study, options)
    kind = kind_of(study)
    if study.staged:
        stages, lacking = counts(study, store), todo(study, store)
        runs = size(study) if stages is None else stages.runs
        held = None if stages is None else stages.recorded
        hours = kind.hours(options, lacking.count, lacking.missing, store)
    else:
        runs, stages = study.runs, None
        held, missing = _held(study, store)
        left = runs if held is None else runs - held
        hours = kind.hours(options, left, missing, store)
    again = kind.without_weights(options, store)
    seen = detects(study, options.results)
    return DryRun(study, runs, held, stages, hours, again, seen)


def _held(study: AnyStudy[S], store: Store | None) -> tuple[int | None, Sequence[S]]:
    """The number of runs with a valid record, None if too many; and the runs without, if few."""
    from runner.studies import recorded

    if store is None:
        return 0, ()
    if study.runs > recorded.LISTED:
        return kind_of(study).recorded(store), ()
    found = todo(study, store)
    lacking = {spec.id for spec in found.missing}
    return sum(row["id"] not in lacking for row in found.rows), found.missing

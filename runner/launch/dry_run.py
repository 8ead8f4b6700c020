"""What a run would train: the plan beside what the store holds already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.launch.opening import opened
from runner.launch.options import Options
from runner.launch.todo import todo
from runner.launch.tuned import counts
from runner.launch.weights import without
from runner.planning.hours import Hours, hours_of

if TYPE_CHECKING:
    from runner.records.store import Store
    from runner.studies.study import Study
    from runner.studies.tuning import StageCounts


@dataclass(frozen=True)
class DryRun:
    """What training `study` would be.

    runs: of all stages. recorded: of them, with a record that stands; None where they are too many
    to look up. stages: of a tuned study whose runs are not too many. without_weights: recorded
    runs that would be trained again for the weights that are to be kept.
    """

    study: Study
    runs: int
    recorded: int | None
    stages: StageCounts | None
    hours: Hours
    without_weights: int

    @property
    def missing(self) -> int | None:
        """Runs to train; None where they are too many to look up."""
        return None if self.recorded is None else self.runs - self.recorded


def dry_run(study: Study, options: Options) -> DryRun:
    """What training `study` would be; nothing is written.

    Raises BadInput where the task's images are missing, or the study cannot go on in the store.
    """
    from runner.studies.recorded import recorded
    from runner.studies.tuning import size

    study, store = opened(study, options.results)
    runs, stages = study.runs, None
    if study.tuning is None:
        held = recorded(study, store.states(), store.read) if store else 0
        left = runs if held is None else runs - held
    else:
        stages = counts(study, store)
        runs = size(study) if stages is None else stages.runs
        held = None if stages is None else stages.recorded
        left = todo(study, store).count
    hours = hours_left(study, store, options, left)
    again = len(without(study, options.save_models, store))
    return DryRun(study, runs, held, stages, hours, again)


def hours_left(study: Study, store: Store | None, options: Options, runs: int) -> Hours:
    """What `runs` of the study will take, by records or, if so asked, by steps measured now."""
    return hours_of(
        study, store, options.workers, options.device, options.plugins, options.estimate, runs
    )

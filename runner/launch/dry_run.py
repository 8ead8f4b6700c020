"""What a run would train: the study beside what the store holds already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.execution.machine import on_gpu
from runner.launch.opening import opened
from runner.launch.options import Options
from runner.launch.todo import todo
from runner.launch.tuned import counts
from runner.launch.weights import without
from runner.planning.detects import Detects, detects
from runner.planning.hours import Hours, by_records, by_steps, standing

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.stage_runs import StageCounts
    from runner.studies.study import Study


@dataclass(frozen=True)
class DryRun:
    """What training `study` would be.

    runs: of all stages. recorded: of them, with a record that stands; None where they are too many
    to look up. stages: of a study that has some, whose runs are not too many. without_weights:
    recorded runs that would be trained again for the weights that are to be kept. detects: the
    smallest effect that it will detect.
    """

    study: Study
    runs: int
    recorded: int | None
    stages: StageCounts | None
    hours: Hours
    without_weights: int
    detects: Detects

    @property
    def missing(self) -> int | None:
        """Runs to train; None where they are too many to look up."""
        return None if self.recorded is None else self.runs - self.recorded


def dry_run(study: Study, options: Options) -> DryRun:
    """What training `study` would be; nothing is written.

    Raises BadInput where the task's images are missing, or the study cannot go on in the store.
    """
    from runner.studies.staged import size

    study, store = opened(study, options.results)
    if study.staged:
        stages, lacking = counts(study, store), todo(study, store)
        runs = size(study) if stages is None else stages.runs
        held = None if stages is None else stages.recorded
        hours = hours_left(study, options, lacking.count, lacking.missing, store)
    else:
        runs, stages = study.runs, None
        held, missing = _held(study, store)
        left = runs if held is None else runs - held
        hours = hours_left(study, options, left, missing, store)
    again = len(without(study, options.save_models, store))
    seen = detects(study, options.results)
    return DryRun(study, runs, held, stages, hours, again, seen)


def _held(study: Study, store: Store | None) -> tuple[int | None, Sequence[RunSpec]]:
    """Runs with a record that stands, None where they are too many; and those without, if few."""
    from runner.studies import recorded

    if store is None:
        return 0, ()
    if study.runs > recorded.LISTED:
        return recorded.recorded(study, store.states(), store.record), ()
    found = todo(study, store)
    lacking = {spec.id for spec in found.missing}
    return sum(row["id"] not in lacking for row in found.rows), found.missing


def images_told(study: Study) -> Sequence[str]:
    """Lines on the images to train on, where they are the user's own."""
    if study.found is None:
        return ()
    from runner.images.told import told

    return tuple(told(study.found, study.task.shares))


def looked_at(study: Study) -> tuple[tuple[int, str], ...]:
    """The image cache of the study's baseline, if it is there; else every image is checked.

    Raises BadInput naming the first image that cannot be read.
    """
    if study.task.originals is None:
        return ()
    from runner.images.cache_build import checked
    from runner.images.caching import there
    from runner.images.counting import on_stderr

    originals, side = study.task.originals(study.data_folder), study.baseline.stored_side
    cache = there(originals, side)
    if cache is not None:
        return ((side, str(cache.folder)),)
    checked(originals, on_stderr)
    return ()


def hours_left(
    study: Study, options: Options, runs: int, missing: Sequence[RunSpec], store: Store | None
) -> Hours:
    """What `runs` of the study will take, by records or, if so asked, by steps measured now.

    missing: those of them that are known; none: all arms alike.
    """
    workers = options.workers
    if not runs:
        return Hours(0, workers, 0.0, 0.0, source="the records: nothing is left")
    if options.estimate:
        held = looked_at(study)
        return by_steps(study, runs, workers, options.device, options.plugins, held)
    specs = missing or standing(study)
    return by_records(study, specs, runs, workers, store, on_gpu(options.device))

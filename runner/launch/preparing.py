"""Trials and measurements before recipes are trained, so that mistakes show at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.execution.engines import fork_server
from runner.execution.limits import Limits
from runner.launch.listener import Listener
from runner.launch.options import Options
from runner.launch.room import check_room
from runner.launch.todo import Todo
from runner.planning import hours, probe_run
from runner.text import counted
from runner.training.device import NO_TF32
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.any_study import AnyStudy
    from runner.studies.study import Study
    from runner.tasks.recipe_run import RecipeRun


def limits(
    study: Study,
    wanted: Todo[RunSpec],
    store: Store | None,
    work: RecipeRun,
    options: Options,
    listener: Listener,
) -> Limits | None:
    """The limits with the seconds of a run; None if the user declined to start a long grid.

    Raises BadInput for recipes that cannot be trained, and for a disk without room.
    """
    known = options.jobs is None  # whether the jobs of a cluster have a GPU is unknown
    if known and not options.on_gpu and any(s.recipe.precision == "tf32" for s in wanted.missing):
        raise BadInput(NO_TF32)
    if options.alike:
        fork_server.warm_up(work.preload())  # imports torch in the background
    else:
        work = replace(work, part=None)  # no images, since this machine trains nothing
    measures = ", measuring a few steps" if options.alike else ""
    listener.say(
        f"preparing to train {counted(len(wanted.missing), 'run')}: building their "
        f"networks{measures}"
    )
    if any(spec.recipe.start == "pretrained" for spec in wanted.missing):
        listener.say("looking for pretrained weights")
    for line in probe_run.check_networks(wanted.missing, work):
        listener.say(line)
    seconds = _recorded_seconds(study, wanted, store, options)
    if seconds is None:
        sample = hours.sample(wanted.missing)
        seconds = probe_run.predict_seconds(sample, work) if options.alike else 0.0
    reserve = check_room(wanted.missing, store, work, options)
    if not agreed(study, wanted.count, seconds, options, listener):
        return None
    return replace(options.limits, run=seconds, reserve=reserve)


def agreed(
    study: AnyStudy[Spec], runs: int, seconds: float, options: Options, listener: Listener
) -> bool:
    """Whether to start `runs` runs of `seconds` each: a long grid is announced, and asked about."""
    long = hours.forecast(study, runs, seconds, options.workers)
    if long is None:
        return True
    listener.say(long)
    if options.ask is None or options.ask():
        return True
    listener.say("nothing was started")
    return False


def _recorded_seconds(
    study: Study, wanted: Todo[RunSpec], store: Store | None, options: Options
) -> float | None:
    """Seconds of a run, from records; None if unknown, and on a GPU.

    On a GPU steps are measured in any case, since they also show whether memory is enough.
    """
    if store is None or options.on_gpu:
        return None
    found = hours.by_records(study, wanted.missing, wanted.count, options.workers, store, False)
    return found.seconds_per_run

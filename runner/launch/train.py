"""Train what a study lacks, in one go."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from runner.execution.engines import template
from runner.execution.limits import Limits
from runner.execution.machine import on_gpu
from runner.launch.changed_plugins import changed
from runner.launch.equal_time import freeze, told
from runner.launch.executing import executed, work_of
from runner.launch.going_on import places
from runner.launch.images import caches
from runner.launch.listener import Listener
from runner.launch.options import Options
from runner.launch.outcome import both
from runner.launch.room import check_room, check_writable
from runner.launch.todo import Todo, todo
from runner.launch.tuned import chosen_line
from runner.launch.weights import saving
from runner.planning import hours, trial
from runner.records.store import Store
from runner.text import counted
from runner.training.device import NO_TF32
from tricks.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.execution.events import Summary
    from runner.records.spec import RunSpec
    from runner.studies.study import Study
    from runner.tasks.recipe_run import RecipeRun


def train(
    study: Study, store: Store | None, options: Options, listener: Listener
) -> Summary | None:
    """Train the runs of `study` that `store` lacks; None if a long grid was not to be started.

    Of a study with stages the arms that have chosen by then are trained at their own value, too.
    Raises BadInput for what cannot be trained or kept, before anything is written.
    """
    from runner.records.studies import save_study

    check_writable(options.results)
    wanted = todo(study, store)
    for line in changed(wanted.specs, store, wanted.states):
        listener.say(line)
    work = work_of(study, wanted.specs, options)
    if wanted.missing:
        work = replace(work, caches=caches(study, wanted.missing, options, listener))
        limits = _prepared(study, wanted, store, work, options, listener)
        if limits is None:
            return None
        options = replace(options, limits=limits)
    store = Store(options.results)
    asked = msgspec.structs.replace(study.as_stored(), places=places(study, options.plugins))
    work = saving(work, options.save_models, store, study)

    def trained(specs: Sequence[RunSpec], recorded: int) -> Summary:
        return executed(specs, store, work, options, listener, recorded=recorded)

    save_study(store, study.name, asked, wanted.rows)
    summary = trained(wanted.specs, len(wanted.specs) - len(wanted.missing))
    if not wanted.to_choose or summary.interrupted:
        return summary
    if summary.asked_to_stop:  # on its last run: the next stage is not begun
        return replace(summary, interrupted=True)
    if study.equal_time:
        freeze(study, store, asked)
    chosen = todo(study, store)
    save_study(store, study.name, asked, chosen.rows)
    for line in told(study, store, chosen) if study.equal_time else [chosen_line(study, chosen)]:
        listener.say(line)
    known = {spec.id for spec in wanted.specs}
    tuned = [spec for spec in chosen.specs if spec.id not in known]
    if not tuned:
        return summary
    recorded = sum(chosen.states.get(spec.id, "infra") != "infra" for spec in tuned)
    return both(summary, trained(tuned, recorded))


def _prepared(
    study: Study,
    wanted: Todo,
    store: Store | None,
    work: RecipeRun,
    options: Options,
    listener: Listener,
) -> Limits | None:
    """The limits with what a run takes; None if a grid that takes long was not to be started.

    Raises BadInput for what only a training can tell, and where the disk has no room.
    """
    if not work.gpus and any(spec.recipe.precision == "tf32" for spec in wanted.missing):
        raise BadInput(NO_TF32)
    template.warm_up(work.preload())  # in the background: torch is imported meanwhile
    listener.say(
        f"preparing to train {counted(len(wanted.missing), 'run')}: builds their networks, "
        "measures a few steps"
    )
    if any(spec.recipe.start == "pretrained" for spec in wanted.missing):
        listener.say("looking for pretrained weights")
    for line in trial.check_networks(wanted.missing, work):
        listener.say(line)
    seconds = _recorded_seconds(study, wanted, store, options)
    if seconds is None:
        seconds = trial.predict_seconds(hours.sample(wanted.missing), work)
    reserve = check_room(wanted.missing, store, work, options)
    long = hours.forecast(study, wanted.count, seconds, options.workers)
    if long:
        listener.say(long)
        if options.ask is not None and not options.ask():
            listener.say("nothing was started")
            return None
    return replace(options.limits, run=seconds, reserve=reserve)


def _recorded_seconds(
    study: Study, wanted: Todo, store: Store | None, options: Options
) -> float | None:
    """Seconds that a run takes, by records. On a GPU a few steps also tell whether memory will do,
    so that there they are taken anyway.
    """
    if store is None or on_gpu(options.device):
        return None
    found = hours.by_records(study, wanted.missing, wanted.count, options.workers, store, False)
    return found.seconds_per_run

"""Train what a study lacks: the one way in, for the command line and for other programs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from runner.launch.confirm import promise
from runner.launch.dry_run import hours_left, images_told
from runner.launch.going_on import places
from runner.launch.images import decoded_first
from runner.launch.listener import Listener, Silent
from runner.launch.looks import train_looks
from runner.launch.opening import opened
from runner.launch.options import Options
from runner.launch.outcome import Outcome
from runner.launch.todo import todo
from runner.launch.train import train
from runner.launch.weights import complete
from runner.planning.checked import check_line
from runner.text import counted

if TYPE_CHECKING:
    from runner.records.store import Store
    from runner.studies.study import Study


def run(study: Study, options: Options, listener: Listener | None = None) -> Outcome:
    """Train the runs of `study` that the store lacks; what is recorded is not trained again.

    Interrupted anywhere and run again it comes to the same end. Raises BadInput for images that
    are missing, a study that cannot go on in the store, a recipe that cannot be trained, a store
    or a disk that cannot hold the records.
    """
    listener = listener or Silent()
    decoded_first(study, options, listener)
    study, store = opened(study, options)
    if options.estimate:
        lacking = todo(study, store)
        hours = hours_left(study, options, lacking.count, lacking.missing, store)
        listener.say(f"{counted(hours.runs, 'run')} to train: {hours}")
    asked = structs.replace(study.as_stored(), places=places(study, options.plugins))
    checked = check_line(store, asked, study.identity, study.seeds)
    for line in (*images_told(study), *study.notes, *((checked,) if checked else ())):
        listener.say(line)
    if study.looks is None:
        outcome = _train_once(study, store, options, listener)
    else:
        outcome = train_looks(study, options, listener)
    if outcome.ended == "declined":
        return outcome
    if study.confirm is not None:
        outcome = replace(outcome, promise=tuple(promise(study, options.results)))
    listener.trained(outcome)
    if outcome.ended == "interrupted" or outcome.failed:
        return outcome
    return replace(outcome, weights=complete(study, options, listener))


def _train_once(study: Study, store: Store | None, options: Options, listener: Listener) -> Outcome:
    summary = train(study, store, options, listener)
    if summary is None:
        return Outcome(study, "declined")
    return Outcome(study, "interrupted" if summary.interrupted else "done", (summary,))

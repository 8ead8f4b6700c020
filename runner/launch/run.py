"""Train the missing runs of a study: the entry for the command line and for other programs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.launch.confirm import promise
from runner.launch.kinds import kind_of
from runner.launch.listener import Listener, Silent
from runner.launch.looks import train_looks
from runner.launch.opening import opened
from runner.launch.options import Options
from runner.launch.outcome import Outcome
from runner.launch.todo import todo
from runner.launch.train import train
from runner.text import counted

if TYPE_CHECKING:
    from runner.records.store import Store
    from runner.studies.any_study import AnyStudy, S


def run(study: AnyStudy[S], options: Options, listener: Listener | None = None) -> Outcome:
    """Train the runs of `study` that the store lacks; recorded runs are not trained again.

    After an interruption, a second call gives the same result. Raises BadInput for missing images,
    a conflicting study in the store, a recipe that cannot be trained, and a store or disk that
    cannot hold the records.
    """
    listener = listener or Silent()
    kind_of(study).begin(options, listener)
    study, store = opened(study, options)
    kind = kind_of(study)
    if options.estimate:
        lacking = todo(study, store)
        hours = kind.hours(options, lacking.count, lacking.missing, store)
        listener.say(f"{counted(hours.runs, 'run')} to train: {hours}")
    for line in kind.remarks(store, options):
        listener.say(line)
    if study.looks is None:
        outcome = _train_once(study, store, options, listener)
    else:
        outcome = train_looks(study, options, listener)
    if outcome.ended == "declined":
        return outcome
    if study.confirm is not None:
        outcome = replace(outcome, promise=tuple(promise(study, options.results)))
    if outcome.ended != "submitted":
        for line in kind.after(options):
            listener.say(line)
    listener.trained(outcome)
    if outcome.ended in ("interrupted", "submitted") or outcome.failed:
        return outcome
    return replace(outcome, weights=kind.complete(options, listener))


def _train_once(
    study: AnyStudy[S], store: Store | None, options: Options, listener: Listener
) -> Outcome:
    summary = train(study, store, options, listener)
    if summary is None:
        return Outcome(study, "declined")
    if summary.interrupted and options.jobs is not None and options.jobs.detach:
        return Outcome(study, "submitted", (summary,))
    return Outcome(study, "interrupted" if summary.interrupted else "done", (summary,))

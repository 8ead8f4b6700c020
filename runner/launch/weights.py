"""Trained weights beside the records: keep them, and train runs recorded without weights again."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.launch.executing import executed, work_of
from runner.launch.images import caches
from runner.launch.listener import Listener
from runner.launch.options import Options
from runner.records.layout import aside
from runner.records.models import fault, folder, model_file
from runner.records.store import Store, existing
from runner.studies.best_arm import best_arm
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.execution.events import Summary
    from runner.records.record_schema import Record
    from runner.studies.study import Study
    from runner.tasks.recipe_run import RecipeRun


def saving(work: RecipeRun, which: str | None, store: Store, study: Study) -> RecipeRun:
    """`work` that also keeps the models of `which` epochs in `store`.

    Tuning runs of `study` keep no models: they are many, and no results. The winner is known only
    after all training, and is trained again for its weights, see `complete`.
    """
    if which in (None, "winner"):
        return work
    from runner.studies.tuning import tuning_runs

    trials = frozenset(run.spec.id for run in tuning_runs(study))
    models = str(folder(store).absolute())
    return replace(work, models=models, best=which == "best", trials=trials)


def without(study: Study, which: str | None, store: Store | None) -> list[str]:
    """Ids of the study's recorded runs whose models of `which` epochs are missing or damaged.

    which: see `Options.save_models`; for the winner: its last epoch's model.
    """
    from runner.records.studies import known_study

    held = None if which is None else known_study(store, study.name)
    if store is None or held is None:
        return []
    if study.tuning is not None:
        held = replace(held, runs=[run for run in held.runs if run.get("stage") != "tuning"])
    if which == "winner":
        arm = best_arm(store, held)
        return [] if arm is None or not fault(model_file(store, arm.run)) else [arm.run]
    states = store.states(held.ids)
    kinds = (False, True) if which == "best" else (False,)
    return [
        id
        for id in held.ids
        if states.get(id) == "ok" and any(fault(model_file(store, id, best)) for best in kinds)
    ]


def complete(study: Study, options: Options, listener: Listener) -> Summary | None:
    """Train the study's runs without weights again; None if there are none.

    The training uses a temporary store, so the records stay unchanged.
    """
    from runner.records.spec import RunSpec
    from runner.text import duration

    if options.save_models is None or existing(options.results) is None:
        return None
    store = Store(options.results)
    ids = without(study, options.save_models, store)
    records = {id: record for id in ids if (record := store.record(id))}
    if not records:
        return None
    if options.jobs is not None:
        listener.say(
            f"{len(records):,} recorded without weights: `run` without --engine trains them again"
        )
        return None
    for path in (model_file(store, id, best) for id in records for best in (False, True)):
        if path.exists() and fault(path):  # a folder in its place would stop a new file
            aside(store.root, path)
    took = [record.total_seconds for record in records.values()]
    listener.say(
        f"{len(records):,} recorded without weights: training them again takes about "
        f"{duration(sum(took) / min(options.workers, len(records)))}"
    )
    specs = [RunSpec.of_record(record) for record in records.values()]
    strange = [spec.id for id, spec in zip(records, specs, strict=True) if spec.id != id]
    if strange:
        raise BadInput(
            "a trick's version has changed since these runs, so their weights cannot be made again"
        )
    held = caches(study, specs, options, listener)
    # No run continues from a temporary store.
    options = replace(options, limits=replace(options.limits, checkpoint=None))
    work = replace(work_of(study, specs, options), caches=held)
    kept = "last" if options.save_models == "winner" else options.save_models
    work = saving(work, kept, store, study)
    with tempfile.TemporaryDirectory(prefix="tricks-bench-") as place:
        again = Store(place)
        summary = executed(specs, again, work, options, listener, recorded=0)
        for id, record in records.items():
            line = _difference(record, again.record(id))
            if line:
                listener.say(line)
    return summary


def _difference(old: Record, new: Record | None) -> str | None:
    """A line about a difference between the new training and the record; None if they agree."""
    if new is None:
        return None
    before, now = old.test_accuracy, new.test_accuracy
    if before == now and old.correct == new.correct:
        return None
    told = "no test accuracy" if now is None else f"test accuracy {now:.2f} %"
    return (
        f"{old.id}: {told} this time, {before:.2f} % on record (another machine or version?); the "
        "record stays as it is"
    )

"""Check a baseline: compute its simple references, then train the check's missing runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.designs.design import reference_arm
from runner.launch.opening import opened
from runner.launch.room import check_writable
from runner.launch.run import run
from runner.records.store import Store
from tricks.recipe import to_json

if TYPE_CHECKING:
    from runner.launch.listener import Listener
    from runner.launch.options import Options
    from runner.launch.outcome import Outcome
    from runner.planning.checked import Checked
    from runner.studies.study import Study


def check(study: Study, options: Options, listener: Listener) -> Outcome:
    """Compute the missing references and train the missing runs of the check `study`.

    After an interruption, a second call gives the same result. Raises BadInput as `run` does.
    """
    opened(study, options)  # reports mistakes before anything is computed
    keep_references(study, options, listener)
    return run(study, options, listener)


def findings(study: Study, results: Path, seeds: int) -> Checked:
    """The findings from the recorded runs of the check `study` in the store `results`.

    seeds: of each arm of the study whose baseline is checked.
    """
    from runner.planning.check_runs import in_store
    from runner.planning.checked import checked
    from runner.records.studies import load_study

    store = Store(results, create=False)
    return checked(in_store(store, load_study(store, study.name)), seeds)


def keep_references(study: Study, options: Options, listener: Listener) -> None:
    """Compute the simple references on the split of `study`, unless the store has them."""
    from runner.records.references import key, load, save

    check_writable(options.results)
    store = Store(options.results)
    recipe = study.recipe(reference_arm(study.factors))
    name = key(study.identity, to_json(recipe))
    if load(store, name) is not None:
        return
    listener.say("simple references: nearest neighbour and logistic regression on the same split")
    from runner.execution.machine import cores
    from runner.training.device import choose
    from runner.training.references import references

    splits = study.task.load(study.data_folder, study.train_images)
    found = references(splits, recipe, choose(options.device), max(0, cores() - 1))
    save(store, name, len(splits.validation), found)

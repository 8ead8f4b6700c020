"""A small training in this process whose model is saved, and tables of predictions."""

import csv
import dataclasses

from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.registry import find
from tricks import compose, parse, resolve

SMALL = {"epochs": 2, "batch_size": 16}


def trained(root, *tricks, seed=0, models=True):
    """Train a small run in this process and record it in the store at `root`; its record."""
    task = find("digits")
    baseline = dataclasses.replace(task.baseline, **SMALL)
    recipe = resolve(compose(baseline, map(parse, tricks)), task.learning_rates)
    spec = RunSpec(task.identity(None, 128), recipe, seed, tricks)
    folder = str(root / "models") if models else None
    work = RecipeRun("digits", device="cpu", models=folder, best=True)
    found = work(spec.run(), lambda epoch: None)
    outcome = {"state": found.state, **found.fields}
    record = {"id": spec.id, **spec.to_json(), **outcome, "attempt": 1, "error": None}
    Store(root).commit(record, found.predictions)
    return record


def rows_of(path):
    return list(csv.DictReader(path.open(newline="")))

"""Trained weights beside the records: which are kept, and those of runs recorded without them."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.execution.machine import cores, on_gpu
from runner.records.models import folder, model_file
from runner.records.store import Store
from runner.tasks.recipe_run import RecipeRun
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.execution.limits import Limits
    from runner.records.spec import RunSpec
    from runner.studies.study import Study

CHOICES = ("last", "best")


def keeping(study: Study, which: str | None) -> Study:
    """`study` with what `--save-models` says."""
    if which is not None and which not in CHOICES:
        raise BadInput(f"--save-models {which}: {unknown('choice', which, CHOICES)}")
    return replace(study, save_models=which)


def saving(which: str | None, store: Store, study: Study | None = None) -> dict[str, Any]:
    """What `RecipeRun` needs to know to keep the models of `which` epochs.

    Of the runs by which the arms of `study` are tuned none are kept: they are many, and no result.
    """
    if which is None:
        return {}
    kept = {"models": str(folder(store).absolute()), "best": which == "best"}
    if study is None or study.tuning is None:
        return kept
    from runner.studies.tuning import tuning_runs

    return {**kept, "trials": frozenset(run.spec.id for run in tuning_runs(study))}


def without(study: Study, store: Store | None) -> list[str]:
    """Ids of the study's recorded runs whose models are asked for and not there."""
    from runner.records.studies import load_study, study_names

    if store is None or study.save_models is None or study.name not in study_names(store):
        return []
    held = load_study(store, study.name)
    if study.tuning is not None:
        held = replace(held, runs=[run for run in held.runs if run.get("stage") != "tuning"])
    states = store.states(held.ids)
    kinds = (False, True) if study.save_models == "best" else (False,)
    return [
        id
        for id, state in states.items()
        if state == "ok" and not all(model_file(store, id, best).is_file() for best in kinds)
    ]


def say_missing(study: Study, store: Store | None, json: bool) -> None:
    """Add to a dry run how many recorded runs would be trained again for their weights."""
    count = len(without(study, store))
    if count and not json:
        print(f"{count:,} recorded without weights, to train again for them")


def complete(
    study: Study,
    results: Path,
    workers: int,
    device: str,
    plugins: list[str],
    json: bool,
    limits: Limits | None = None,
) -> int:
    """Train again what the study has recorded without its weights; the exit code.

    The runs go through a store that is thrown away: the records stay as they are.
    """
    from runner.launch.exit_code import left_code
    from runner.records.spec import RunSpec
    from runner.text import duration

    if study.save_models is None or not (results / "FORMAT").exists():
        return 0
    store = Store(results)
    records = {id: record for id in without(study, store) if (record := store.read(id))}
    if not records:
        return 0
    aside = sys.stderr if json else sys.stdout
    took = [(record.get("seconds") or {}).get("total") or 0.0 for record in records.values()]
    print(
        f"{len(records):,} recorded without weights: training again for them, about "
        f"{duration(sum(took) / min(workers, len(records)))}",
        file=aside,
        flush=True,
    )
    specs = [RunSpec.from_json(record) for record in records.values()]
    strange = [spec.id for id, spec in zip(records, specs, strict=True) if spec.id != id]
    if strange:
        raise BadInput("a trick's version has changed since these runs: their weights are gone")
    study.task.check(study.data_folder)
    with tempfile.TemporaryDirectory(prefix="tricks-bench-") as place:
        again = Store(place)
        summary = _train(study, specs, store, again, workers, device, plugins, aside, limits)
        for id, record in records.items():
            _compare(id, record, again.read(id), aside)
    if summary.interrupted:
        return left_code(summary)
    return 1 if summary.failed or summary.infra else 0


def _train(
    study: Study,
    specs: list[RunSpec],
    store: Store,
    again: Store,
    workers: int,
    device: str,
    plugins: list[str],
    aside: Any,
    limits: Limits | None,
) -> Any:
    from runner.execution.executor import execute
    from runner.execution.limits import Limits
    from runner.execution.order import Order
    from runner.execution.progress import Progress

    # Nothing goes on from a store that is thrown away.
    limits = replace(limits or Limits(), checkpoint=None)
    work = RecipeRun(
        study.task.name,
        str(study.data_folder),
        device,
        loaders=max(1, cores() // workers),
        plugins=tuple(plugins),
        **saving(study.save_models, store),
    )
    order = Order(work, workers, runs_per_process=1000 if on_gpu(device) else 1, limits=limits)
    with Progress(
        len(specs), recorded=0, workers=workers, results=again.root, stream=aside
    ) as progress:
        return execute((spec.run() for spec in specs), again, order, progress)


def _compare(id: str, old: dict[str, Any], new: dict[str, Any] | None, aside: Any) -> None:
    """Say it in one line where the training did not give what is on record."""
    if new is None:
        return
    before, now = old.get("test_accuracy"), new.get("test_accuracy")
    if before == now and old.get("correct") == new.get("correct"):
        return
    told = "no test accuracy" if now is None else f"test accuracy {now:.2f} %"
    print(
        f"{id}: {told} this time, {before:.2f} % on record (another machine or version?); the "
        "record stays as it is",
        file=aside,
    )

"""What a recipe is asked of: a study's best arm, a run, or a baseline with tricks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.analysis.data.labels import arm_label
from runner.analysis.metrics.registry import CHOOSES
from runner.inference import models
from runner.records.export import evidence
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.records.studies import StoredStudy, study_names
from runner.studies.composed import composed
from runner.studies.experiments import exported
from runner.tasks import registry as tasks
from tricks.errors import BadInput, unknown
from tricks.recipe import FIELDS, Recipe, differences, resolve

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Subject:
    """What is exported.

    recipe: resolved. task: its name, or its kind where a run knows no more.
    stored: whether images are small ones of one size, normalised by their own mean and deviation;
    else they are cut out of files. about: lines on where it comes from.
    """

    name: str
    task: str
    recipe: Recipe
    stored: bool
    about: tuple[str, ...] = ()


def subject(text: str, task: str, settings: Mapping[str, str], results: Path) -> Subject:
    """The recipe that `text` means: a study, the id of a run, or `baseline+mixup+cosine`.

    task, settings: of a baseline. Raises BadInput where it is none of them.
    """
    if text.partition("+")[0].strip() == "baseline":
        found = tasks.find(task)
        recipe = composed(text, found, settings).recipe
        return Subject(text, found.name, recipe, _stored(found.name), (f"It is {text}.",))
    if settings:
        raise BadInput("--set is for a baseline: a study and a run have their settings")
    held = exported(text)
    if held is not None:
        states = {record.id: record for record in held.records}
        return _best(held.study, held.runs, lambda id: RunSpec.of_record(states[id]))
    store = Store(results, create=False)
    names = study_names(store)
    if text in names:
        whole = evidence(store, text)
        return _best(whole.study, whole.runs, lambda id: _spec(store, id))
    if not models.is_run(text):
        raise unknown("run or study", text, [*names, "baseline+TRICK"])
    fits = sorted(id for id in store.ids() if id.startswith(text.lower()))
    if len(fits) != 1:
        raise BadInput(f"{text} is the start of {len(fits)} runs" if fits else f"no run {text}")
    spec = _spec(store, fits[0])
    name = " + ".join(spec.tricks) or "baseline"
    return _of_spec(spec, name, (f"It is the run {spec.id}: {name}.",))


def _stored(task: str) -> bool:
    kind = task.partition(":")[0]
    return kind in tasks.all_tasks() and tasks.find(kind).originals is None


def _spec(store: Store, id: str) -> RunSpec:
    record = store.record(id)
    if record is None:
        raise BadInput(f"the run {id} has no record")
    return RunSpec.of_record(record)


def _of_spec(spec: RunSpec, name: str, about: tuple[str, ...], task: str = "") -> Subject:
    """What a run trained. task: as its study names it; the run itself knows the kind."""
    kind = str(spec.data.get("task", ""))
    return Subject(name, task or kind, spec.recipe, _stored(kind), about)


def _best(study: StoredStudy, runs: pandas.DataFrame, spec: Callable[[str], RunSpec]) -> Subject:
    """The arm with the best mean on validation, of those whose every run is ok."""
    if "stage" in runs:
        held = [stage for stage in ("tuned", "fixed") if (runs["stage"] == stage).any()]
        runs = runs[runs["stage"] == held[0]] if held else runs[:0]
    factors = list(study.levels)
    if runs.empty:
        raise BadInput(f"the study {study.name} has no finished runs yet: it has no best arm")
    arms = {  # `_all`: of a study without factors there is one
        tuple(key[:-1]): rows
        for key, rows in runs.assign(_all=0).groupby([*factors, "_all"], sort=False)
    }
    fine = {
        key: rows[CHOOSES].mean()
        for key, rows in arms.items()
        if rows["state"].eq("ok").all() and rows[CHOOSES].notna().all()
    }
    if not fine:
        raise BadInput(f"no arm of {study.name} has finished well: there is no recipe to take")
    best = max(fine, key=lambda key: fine[key])
    levels = dict(zip(factors, map(str, best), strict=False))
    name = arm_label(levels, study.levels)
    rows = arms[best]
    about = (
        f"It is the arm of {study.name} that is best on validation: {name},",
        f"{fine[best]:.2f} % (mean of {len(rows)} run{'s' * (len(rows) > 1)}), "
        f"of {len(fine)} arms.",
    )
    return _of_spec(spec(rows["id"].iloc[0]), name, about, study.asked.task or "")


def baseline_of(found: Subject) -> Recipe:
    """The resolved baseline of its task. Raises BadInput where the task is not known here."""
    kind = found.task.partition(":")[0]
    known = tasks.all_tasks()
    task = known.get(kind) or (tasks.find(f"{kind}:.x") if kind in ("folder", "csv") else None)
    if task is None:
        task = tasks.find(found.task)
    return resolve(task.baseline, task.learning_rates)


def changed(found: Subject) -> list[str]:
    """Fields in which the recipe differs from its task's baseline."""
    held = differences(found.recipe, baseline_of(found))
    return [name for name in FIELDS if name in held]

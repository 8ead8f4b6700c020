"""The source of a recipe: a study's recommended arm, a run, or a baseline with tricks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runner.analysis.metrics.registry import CHOOSES
from runner.inference import models
from runner.records.spec import RunSpec
from runner.records.store import Store
from runner.records.studies import study_names
from runner.reporting.material import gather
from runner.studies.composed import composed
from runner.studies.experiments import exported
from runner.tasks import registry as tasks
from runner.text import counted
from tricks.errors import BadInput, unknown
from tricks.recipe import FIELDS, Recipe, differences, resolve


@dataclass(frozen=True)
class Subject:
    """A recipe to export.

    recipe: resolved. task: its name, or only its kind if a run knows no more. stored: whether
    images are small and of one size, normalised by their own mean and deviation; otherwise they are
    cropped from files. about: lines about the recipe's source.
    """

    name: str
    task: str
    recipe: Recipe
    stored: bool
    about: tuple[str, ...] = ()


def subject(text: str, task: str, settings: Mapping[str, str], results: Path) -> Subject:
    """The recipe that `text` means: a study, the id of a run, or `baseline+mixup+cosine`.

    task, settings: of a baseline. Raises BadInput for any other text.
    """
    if text.partition("+")[0].strip() == "baseline":
        found = tasks.find(task)
        recipe = composed(text, found, settings).recipe
        return Subject(text, found.name, recipe, _stored(found.name), (f"It is {text}.",))
    if settings:
        raise BadInput("--set is for baseline+...: a study and a run have their own settings")
    if exported(text) is not None:
        return _recommended(text, results)
    store = Store(results, create=False)
    names = study_names(store)
    if text in names:
        return _recommended(text, results)
    if not models.is_run(text):
        raise unknown("run or study", text, [*names, "baseline+TRICK"])
    fits = sorted(id for id in store.ids() if id.startswith(text.lower()))
    if len(fits) != 1:
        raise BadInput(
            f"{text} begins the ids of {len(fits)} runs: give more characters"
            if fits
            else f"no run {text}"
        )
    spec = _spec(store, fits[0])
    name = " + ".join(spec.tricks) or "baseline"
    return _of_spec(spec, name, (f"It is the run {spec.id}: {name}.",))


def _stored(task: str) -> bool:
    kind = task.partition(":")[0]
    return kind in tasks.all_tasks() and tasks.find(kind).originals is None


def _spec(store: Store, id: str) -> RunSpec:
    record = store.record(id)
    if record is None:
        raise BadInput(f"the run {id} has no record: train it first")
    return RunSpec.of_record(record)


def _of_spec(spec: RunSpec, name: str, about: tuple[str, ...], task: str = "") -> Subject:
    """The recipe of a run. task: as its study names it; the run itself only knows the kind."""
    kind = str(spec.data.get("task", ""))
    return Subject(name, task or kind, spec.recipe, _stored(kind), about)


def _recommended(name: str, results: Path) -> Subject:
    """The recipe that the report of the study recommends."""
    found = gather(results, name)
    if found.asked.script is not None:
        raise BadInput(
            f"{found.study} is a study of a script, whose recipe is a command: `tricks-bench run "
            f"--study {found.study} --dry-run` prints the command of each arm, and the report "
            "recommends an arm"
        )
    arm = found.recommended
    if isinstance(arm, str):
        raise BadInput(f"there is no recipe to take from {found.study}: {arm}")
    ids = found.ids(arm.levels)
    runs = found.experiment.runs
    validation = runs.loc[runs["id"].isin(ids), CHOOSES].mean()
    like = f"; validation cannot tell {arm.alike} of {arm.of} arms apart" if arm.alike > 1 else ""
    about = (
        f"It is the recipe that {found.study} recommends: {arm.label},",
        f"{validation:.2f} % on validation (mean of {counted(len(ids), 'run')}){like}.",
    )
    specs = {record.id: RunSpec.of_record(record) for record in found.records if record.id in ids}
    return _of_spec(specs[ids[0]], arm.label, about, found.asked.task or "")


def baseline_of(found: Subject) -> Recipe:
    """The resolved baseline of the recipe's task. Raises BadInput for an unknown task."""
    kind = found.task.partition(":")[0]
    known = tasks.all_tasks()
    task = known.get(kind) or (tasks.find(f"{kind}:.x") if kind in ("folder", "csv") else None)
    if task is None:
        task = tasks.find(found.task)
    return resolve(task.baseline, task.learning_rates)


def changed(found: Subject) -> list[str]:
    """Fields in which the recipe differs from the task's baseline."""
    held = differences(found.recipe, baseline_of(found))
    return [name for name in FIELDS if name in held]

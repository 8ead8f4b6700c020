"""Find a saved model by a run's id or its first characters, a study's name, or a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.launch.resume_command import stored_command
from runner.records.models import folder, model_file
from runner.records.store import Store
from runner.studies.best_arm import best_arm
from runner.text import some_of
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.records.studies import StoredStudy

BEST = ".best"  # after a run or a study: the weights of the best epoch on validation
_RUN = re.compile(r"([0-9a-f]{4,64})(\.best)?")


class Found(NamedTuple):
    """A model's file, and why it was chosen."""

    path: Path
    why: str


def is_run(text: str) -> bool:
    """Whether `text` could be a run's id, or its first characters."""
    return _RUN.fullmatch(text.lower()) is not None


def find(text: str, results: Path) -> Found:
    """The model that `text` means. Raises BadInput for none, and for several."""
    if text.endswith(".safetensors") or Path(text).is_file():
        if not Path(text).is_file():
            raise BadInput(f"there is no model {text}")
        return Found(Path(text), text)
    from runner.records.studies import load_study, study_names

    store = Store(results, create=False)
    names = study_names(store)
    study = text if text in names else text.removesuffix(BEST)
    if study in names:
        return _of_study(store, load_study(store, study), study != text, results)
    match = _RUN.fullmatch(text.lower())
    if match is None:
        raise unknown("run or study", text, [*names, *sorted(_ids(store))])
    return _of_run(store, match[1], match[2] is not None)


def _ids(store: Store) -> set[str]:
    """Ids of the runs that have a saved model."""
    return {path.name.partition(".")[0] for path in folder(store).glob("[0-9a-f]*.safetensors")}


def _of_run(store: Store, start: str, best: bool) -> Found:
    saved, recorded = _ids(store), store.ids()
    fits = sorted(id for id in saved | recorded if id.startswith(start))
    if not fits:
        raise unknown("run", start, saved)
    if len(fits) > 1:
        raise BadInput(
            f"{start} begins the ids of {len(fits)} runs: {some_of(fits, 5)}; give more characters"
        )
    path = model_file(store, fits[0], best)
    if not path.is_file():
        which = "--save-models best" if best else "--save-models"
        raise BadInput(
            f"the run {fits[0]} has no saved model {path}: `tricks-bench run` with {which} and the "
            "same options trains it again for its weights"
        )
    return Found(path, f"run {fits[0]}")


def _of_study(store: Store, stored: StoredStudy, best: bool, results: Path) -> Found:
    """The model of the best run of the arm that is best on validation (mean over its runs)."""
    arm = best_arm(store, stored)
    if arm is None:
        raise BadInput(
            f"no run of {stored.name} has succeeded, so there is no model: see "
            f"`tricks-bench status {stored.name}`"
        )
    saved = [(value, id) for value, id in arm.runs if model_file(store, id, best).is_file()]
    why = (
        f"the best arm of {stored.name} on validation ({arm.mean:.2f} %, mean of "
        f"{len(arm.runs)} runs): {arm.label}"
    )
    if not saved:
        which = "--save-models best" if best else "--save-models winner"
        raise BadInput(
            f"{why} has no saved model{' of its best epoch' if best else ''}: "
            f"`{stored_command(stored, results)} {which}` trains it again for its weights"
        )
    id = max(saved)[1]
    return Found(model_file(store, id, best), f"run {id}, {why}")

"""Open the store and the study for training, without writing anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.launch.older_records import older_note
from runner.records.store import Store

if TYPE_CHECKING:
    from runner.launch.options import Options
    from runner.studies.any_study import AnyStudy, S


def opened(study: AnyStudy[S], options: Options) -> tuple[AnyStudy[S], Store | None]:
    """`study`, with the level of its looks if it has looks, and its store if it exists.

    Raises BadInput if the task's images are missing, if an image is in two parts of the user's own
    split (unless allowed), or if the store has a conflicting study.
    """
    store = _store(study, options.results)
    if study.found is not None and not options.allow_duplicates:
        from runner.images.copies import check_parts

        check_parts(study.found)
    older = tuple(older_note(study, store))
    if older:
        study = replace(study, notes=(*study.notes, *older))
    if study.looks is None:
        return study, store
    from runner.studies.look_level import with_level

    return with_level(study, store), store


def _store(study: AnyStudy[S], results: Path) -> Store | None:
    study.identity  # noqa: B018 - reports a missing data set before anything else happens
    if not results.exists() or (results.is_dir() and not (results / "FORMAT").exists()):
        return None
    from runner.records.studies import known_study
    from runner.studies.recorded import check_extends

    store = Store(results, create=False)
    held = known_study(store, study.name)
    if held is not None:
        check_extends(study, held.asked)
    return store

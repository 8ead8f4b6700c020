"""The runs of a baseline's check: in a store, or in an export beside another study's export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.records.json_values import canonical_text
from runner.records.layout import RESULTS
from runner.studies.check import same_baseline
from tricks.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.records.record_schema import Record
    from runner.records.references import Kept
    from runner.records.rows import Cell
    from runner.records.spec import Fingerprint
    from runner.records.store import Store
    from runner.records.studies import StoredStudy
    from runner.records.study_toml import StudyToml


@dataclass(frozen=True)
class CheckRuns:
    """The data behind the verdict on a baseline.

    stored: the check. rows: main columns by run id. first: a record of the baseline. kept: its
    simple references. results: the store's path for commands.
    """

    stored: StoredStudy
    rows: Mapping[str, Mapping[str, Cell | None]]
    first: Record | None
    kept: Kept | None
    results: Path


def in_store(store: Store, stored: StoredStudy) -> CheckRuns:
    """The recorded runs of the check `stored`."""
    first = _first(stored, store.record)
    return CheckRuns(stored, store.rows(stored.ids), first, _kept(store, first), store.root)


def for_study(store: Store, asked: StudyToml, data: Fingerprint | None) -> CheckRuns | None:
    """The latest check in `store` of the baseline of the study `asked`; None without one.

    data: the identity of the study's images; a check of other images with the same task name does
    not count. None: unknown.
    """
    from runner.records.studies import load_study, study_names

    for name in reversed(study_names(store)):
        try:
            stored = load_study(store, name)
        except BadInput:
            continue
        if same_baseline(stored.asked, asked):
            found = in_store(store, stored)
            if _same_images(found, data):
                return found
    return None


def beside(folder: Path, asked: StudyToml, data: Fingerprint | None) -> CheckRuns | None:
    """As `for_study`, among the exports beside the exported study in `folder`."""
    from runner.records.export import is_export, read_export
    from runner.records.references import exported
    from runner.records.study_files import read_asked

    for other in sorted(path for path in folder.resolve().parent.iterdir() if is_export(path)):
        try:
            if not same_baseline(read_asked(other / "study.toml"), asked):
                continue
            study, runs, _, records = read_export(other)
        except BadInput:
            continue
        by_id = {record.id: record for record in records}
        known = runs.astype(object).where(runs.notna(), None)
        rows = {str(row["id"]): row for row in known.to_dict("records")}
        found = CheckRuns(study, rows, _first(study, by_id.get), exported(other), RESULTS)
        if _same_images(found, data):
            return found
    return None


def of_baseline(stored: StoredStudy) -> Iterator[str]:
    """Ids of the check's runs of the baseline itself."""
    references = {name: levels[0] for name, levels in stored.levels.items()}
    for run in stored.runs:
        if all(run.get(name) == level for name, level in references.items()):
            yield str(run["id"])


def _first(stored: StoredStudy, read: Callable[[str], Record | None]) -> Record | None:
    """A record of the baseline that identifies its images; None if there is none."""
    found: Iterable[Record | None] = map(read, of_baseline(stored))
    return next((record for record in found if record is not None and record.data), None)


def _kept(store: Store, first: Record | None) -> Kept | None:
    from runner.records.references import key, load

    if first is None or first.data is None or first.recipe is None:
        return None
    return load(store, key(first.data, first.recipe.values))


def _same_images(found: CheckRuns, data: Fingerprint | None) -> bool:
    if found.first is None or found.first.data is None or data is None:
        return True
    return canonical_text(found.first.data) == canonical_text(dict(data))

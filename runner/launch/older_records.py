"""Records of the same images by a version before 0.4, which knew them by names and sizes alone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.records.run import Spec
    from runner.records.store import Store
    from runner.studies.any_study import AnyStudy

LOOKED_AT = 200  # records
NOTE = (
    "the store has runs on these images by a version before 0.4, which knew images by their names "
    "and sizes alone: they stay as they are, and are trained anew for this study, since what the "
    "images hold and how they are decoded now count"
)


def older_note(study: AnyStudy[Spec], store: Store | None) -> Iterator[str]:
    """The line that says so; none where images are known as before, or no such run is recorded."""
    now = study.identity
    if store is None or "content" not in now:
        return
    for id in islice(store.states(), LOOKED_AT):
        before = ((record := store.record(id)) and record.data) or {}
        same = all(before.get(key) == now.get(key) for key in ("task", "files", "train_images"))
        if same and "content" not in before:
            yield NOTE
            return

"""Records of versions before 0.4, which identified images only by names and sizes."""

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
    "the store has runs on these images by a version before 0.4, which identified images by "
    "names and sizes only: these records stay, but this study trains the runs again, since an "
    "id now depends on the images' content and decoding"
)


def older_note(study: AnyStudy[Spec], store: Store | None) -> Iterator[str]:
    """The line about older records; none if there are no such records, or images are no files."""
    now = study.identity
    if store is None or "content" not in now:
        return
    for id in islice(store.states(), LOOKED_AT):
        before = ((record := store.record(id)) and record.data) or {}
        same = all(before.get(key) == now.get(key) for key in ("task", "files", "train_images"))
        if same and "content" not in before:
            yield NOTE
            return

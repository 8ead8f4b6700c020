"""Simple references of a baseline's check, kept in the store so that they are computed once.

references/<digest>.json; the digest is of the images' identity and of the fields in SEEN. The file
is derived: it may be deleted, and an unreadable file is computed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.analysis.baseline.reference import Reference
from runner.records import atomic_write
from runner.records.json_values import JsonValue, digest

if TYPE_CHECKING:
    from runner.records.record_schema import Record
    from runner.records.spec import Fingerprint
    from runner.records.store import Store

VERSION = 1  # raised when the same methods are computed differently
NAME = "references.json"  # of the file in the export of a check
# Recipe fields that change the methods' input.
SEEN = ("resolution", "eval_scale", "crop", "margin")


class Kept(msgspec.Struct, frozen=True):
    """The content of a file: the methods, and the number of images of the whole validation set."""

    images: int
    methods: tuple[Reference, ...]


def key(data: Fingerprint, recipe: Mapping[str, JsonValue]) -> str:
    """The key of the references for a recipe (JSON values) on the images that `data` identifies."""
    seen = {name: recipe.get(name) for name in SEEN}
    network = recipe.get("model") if recipe.get("start") == "pretrained" else None
    return digest({"version": VERSION, "data": dict(data), "seen": seen, "network": network})[:16]


def load(store: Store, name: str) -> Kept | None:
    """The references under the key `name`; None if there are no readable ones."""
    return _read(_path(store, name))


def save(store: Store, name: str, images: int, methods: Sequence[Reference]) -> Kept:
    """Write references under the key `name`. Raises OSError if nothing can be written."""
    kept = Kept(images, tuple(methods))
    atomic_write.replace(_path(store, name), msgspec.json.encode(kept))
    return kept


def exported(folder: Path) -> Kept | None:
    """The references in the exported check `folder`; None if there are no readable ones."""
    return _read(folder / NAME)


def export(store: Store, record: Record | None, folder: Path) -> None:
    """Write the references of a check into its export. record: a run of it. Raises OSError."""
    if record is None or record.data is None or record.recipe is None:
        return
    kept = load(store, key(record.data, record.recipe.values))
    if kept is not None:
        atomic_write.replace(folder / NAME, msgspec.json.encode(kept))


def _read(path: Path) -> Kept | None:
    try:
        return msgspec.json.decode(atomic_write.read(path), type=Kept)
    except (OSError, msgspec.MsgspecError):
        return None


def _path(store: Store, name: str) -> Path:
    return store.root / "references" / f"{name}.json"

"""Trained models beside the records: the folder, and the file of a run."""

from __future__ import annotations

from pathlib import Path

from runner.records.record import check_id
from runner.records.store import Store
from tricks.errors import BadInput


def folder(store: Store) -> Path:
    """Where the store keeps models."""
    return store.root / "models"


def model_file(store: Store, id: str, best: bool = False) -> Path:
    """The file of a run's model, whether it is there or not. Raises BadInput for a link."""
    path = folder(store) / f"{check_id(id)}{'.best' if best else ''}.safetensors"
    if path.is_symlink():
        raise BadInput(f"{path} is a symbolic link: a store holds none")
    return path

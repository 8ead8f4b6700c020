"""A script's input files: their digest is part of a run's id."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.records.script_toml import Script
from runner.scripts.command import words
from tricks.errors import BadInput

LEFT_OUT = ("__pycache__", ".git", ".ipynb_checkpoints")
ENDINGS = (".pyc", ".pyo")


def inputs(script: Script, folder: Path) -> tuple[str, ...]:
    """The inputs that `script` names, or else the files in `folder` that the command names."""
    if script.inputs is None:
        named = (*words(script.run, "script.run"), script.config)
        return tuple(dict.fromkeys(word for word in named if word and (folder / word).is_file()))
    return script.inputs


def digests(names: Sequence[str], folder: Path) -> dict[str, str]:
    """File -> SHA-256 of its content, for all inputs. Raises BadInput for an unreadable file."""
    found: dict[str, str] = {}
    for name in names:
        for path in _files(folder / name):
            try:
                with path.open("rb") as file:
                    held = hashlib.file_digest(file, "sha256")
            except OSError as error:
                raise BadInput(f"script.inputs: {path}: {error.strerror or error}") from error
            place = name if path == folder / name else f"{name}/{path.relative_to(folder / name)}"
            found[place] = held.hexdigest()
    return found


def digest(found: dict[str, str]) -> str:
    """One digest of `digests`, 16 hex digits."""
    lines = (f"{name} {held}" for name, held in sorted(found.items()))
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:16]


def check_unchanged(names: Sequence[str], folder: Path, before: str) -> None:
    """Raises BadInput if the inputs have another digest than `before`."""
    if digest(digests(names, folder)) != before:
        raise BadInput(
            f"{', '.join(names)}: changed since the grid began, and a changed script is another "
            "experiment: restore it, or start another study with --name"
        )


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in sorted(files):
            if not name.endswith(ENDINGS):
                yield Path(folder) / name

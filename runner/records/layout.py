"""A store's folder: its parts, its FORMAT, and what may not be in it.

FORMAT                  schema version
studies/<name>/         what was asked for
runs/ab/<id>.json       one record a run, written once
runs/ab/<id>.predictions what its model said of each test image, if it was trained here
attempts/ab/<id>/<n>/   what a failed attempt left: its log, its epochs
references/<digest>.json simple references of checks, derived, disposable
examples/<digest>/<digest>.npz what augmentations do to a few images, derived, disposable
models/<id>.safetensors trained models, where they were asked for
outputs/<id>/           what a script wrote in a run that is at hand, or is to be kept; <id>.failed
claims/ab/<id>.<n>      who is training the run
jobs/<time>-<digits>/   runs that were submitted to a cluster, and what became of the jobs
index.csv               derived, disposable
quarantine/             what did not verify, or was removed
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from runner.records import atomic_write
from runner.records.migration import SCHEMA
from tricks.errors import BadInput

RESULTS = Path("results")
FOLDERS = ("studies", "runs", "attempts", "claims", "quarantine")
_FORMAT = "tricks-bench store, schema "


def make(root: Path) -> None:
    """Make the folder and its FORMAT, if they are not there. Raises BadInput."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not (root / "FORMAT").exists():
            atomic_write.create(root / "FORMAT", format_line(SCHEMA))
    except OSError as error:
        raise _unwritable(root, error) from error


def check_writable(root: Path) -> None:
    """Make the parts that are not there. Raises BadInput where nothing can be written."""
    try:
        for name in FOLDERS:
            (root / name).mkdir(exist_ok=True)
        probe = root / f".probe.{os.getpid()}.{time.time_ns()}{atomic_write.TEMPORARY}"
        atomic_write.replace(probe, b"x")
        probe.unlink()
    except OSError as error:
        raise _unwritable(root, error) from error


def format_line(schema: int) -> bytes:
    """The content of a store's FORMAT."""
    return f"{_FORMAT}{schema}\n".encode()


def check_format(root: Path) -> None:
    """Raises BadInput unless `root` is a store of a schema that this version reads."""
    path = root / "FORMAT"
    try:
        text = atomic_write.read(path, most=1_000).decode()
    except FileNotFoundError:
        raise BadInput(f"no store at {root}: run `tricks-bench run` first") from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unwritable(root, error) from error
    version = text.strip().removeprefix(_FORMAT)
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise BadInput(f"{path} is not a store's FORMAT: choose another folder with --results")
    if int(version) > SCHEMA:
        raise BadInput(
            f"the store {root} has schema {version}, this version reads up to {SCHEMA}: "
            "upgrade tricks-bench"
        )


def links(root: Path) -> Iterator[Path]:
    """Symbolic links among a store's folders, two deep, and its studies. `root` may be one."""
    for name in (*FOLDERS, "models", "references", "examples"):
        folder = root / name
        if folder.is_symlink():
            yield folder
        elif folder.is_dir() and name not in ("models", "quarantine"):
            with os.scandir(folder) as entries:
                yield from (Path(entry.path) for entry in entries if entry.is_symlink())


def aside(root: Path, path: Path) -> Path | None:
    """Move `path` into the quarantine/ of the store `root`; its new place, None if it cannot be."""
    quarantine = root / "quarantine"
    moved = quarantine / f"{path.stem}.{time.time_ns()}{path.suffix}"
    try:
        quarantine.mkdir(exist_ok=True)
        os.rename(path, moved)
    except OSError:  # gone already, or nothing here can be changed: then only not counted
        return None
    return moved


def _unwritable(root: Path, error: Exception) -> BadInput:
    reason = getattr(error, "strerror", None) or str(error)
    return BadInput(
        f"cannot use {root} as a store: {reason}; choose a folder that can be written to with "
        "--results (earlier results are as they were)"
    )


def at(results: Path) -> str:
    """What a command that is suggested needs to find the store."""
    return "" if results == RESULTS else f" --results {shlex.quote(str(results))}"

"""A store's folder: its parts, its FORMAT, and forbidden files.

FORMAT                  schema version
studies/<name>/         a study's request and its list of runs
runs/ab/<id>.json       one record per run, written once
runs/ab/<id>.predictions the model's predictions on test images, if the run was trained here
attempts/ab/<id>/<n>/   files of a failed attempt: its log, its epochs
references/<digest>.json simple references of checks, derived, disposable
examples/<digest>/<digest>.npz example images of augmentations, derived, disposable
environments/<sha256>.txt packages that runs were trained with, each list once
models/<id>.safetensors trained models, if requested
outputs/<id>/           files of a script, of running runs or if kept; <id>.failed
claims/ab/<id>.<n>      which process trains the run
jobs/<time>-<digits>/   runs submitted to a cluster, and the outcomes of the jobs
index.csv               derived, disposable
quarantine/             files that did not verify, or were set aside
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
LATER_FOLDERS = ("models", "references", "examples", "environments")  # made when first needed
_FORMAT = "tricks-bench store, schema "
FORMAT_LINE = f"{_FORMAT}{SCHEMA}\n".encode()  # the content of the file FORMAT


def make(root: Path) -> None:
    """Create the folder and its FORMAT if they are missing. Raises BadInput."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not (root / "FORMAT").exists():
            atomic_write.create(root / "FORMAT", FORMAT_LINE)
    except OSError as error:
        raise _unwritable(root, error) from error


def check_writable(root: Path) -> None:
    """Create the missing parts. Raises BadInput if nothing can be written."""
    try:
        for name in FOLDERS:
            (root / name).mkdir(exist_ok=True)
        probe = root / f".probe.{os.getpid()}.{time.time_ns()}{atomic_write.TEMPORARY}"
        atomic_write.replace(probe, b"x")
        probe.unlink()
    except OSError as error:
        raise _unwritable(root, error) from error


def check_format(root: Path) -> None:
    """Raises BadInput unless `root` is a store of a schema that this version reads."""
    path = root / "FORMAT"
    try:
        text = atomic_write.read(path, most=1_000).decode()
    except FileNotFoundError:
        raise BadInput(
            f"no store at {root}: run `tricks-bench run` first, or name a store with --results"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise _unwritable(root, error) from error
    version = text.strip().removeprefix(_FORMAT)
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise BadInput(f"{path} is not a store's FORMAT: choose another folder with --results")
    if int(version) > SCHEMA:
        raise BadInput(
            f"the store {root} has schema {version}, but this version reads schemas up to "
            f"{SCHEMA}: upgrade tricks-bench"
        )


def links(root: Path) -> Iterator[Path]:
    """Symbolic links among a store's folders (two levels deep) and studies, or `root` itself."""
    for name in (*FOLDERS, *LATER_FOLDERS):
        folder = root / name
        if folder.is_symlink():
            yield folder
        elif folder.is_dir() and name not in ("models", "quarantine"):
            with os.scandir(folder) as entries:
                yield from (Path(entry.path) for entry in entries if entry.is_symlink())


def aside(root: Path, path: Path) -> Path | None:
    """Move `path` into quarantine/ of the store `root`. Returns its new place, None on failure."""
    quarantine = root / "quarantine"
    moved = quarantine / f"{path.stem}.{time.time_ns()}{path.suffix}"
    try:
        quarantine.mkdir(exist_ok=True)
        os.rename(path, moved)
    except OSError:  # already gone, or nothing can be changed here: it is only not counted
        return None
    return moved


def _unwritable(root: Path, error: Exception) -> BadInput:
    reason = getattr(error, "strerror", None) or str(error)
    return BadInput(
        f"cannot use {root} as a store: {reason}; choose a writable folder with --results "
        "(earlier results are unchanged)"
    )


def results_option(results: Path) -> str:
    """The --results option of a suggested command; "" for the default store."""
    return "" if results == RESULTS else f" --results {shlex.quote(str(results))}"

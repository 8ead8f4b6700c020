"""Verify the studies of a store: readable and intact, with counts of missing records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from runner.records.rows import column
from runner.records.studies import LOCK, NAME_RULE, is_name
from runner.records.study_files import ASKED, PENDING, RUNS, is_study, read_pair
from runner.records.verification.finding import Finding, away, inside, link, odd
from runner.text import counted
from tricks.errors import BadInput


def studies(root: Path, recorded: set[str], listed: set[str]) -> Iterator[Finding]:
    """Verify every folder under studies/; adds the ids of their runs to `listed`."""
    places = sorted((root / "studies").glob("*")) if (root / "studies").is_dir() else []
    for folder in places:
        if folder.is_symlink():
            yield link(root, folder)
        elif not folder.is_dir():
            yield away(root, folder, "foreign", "no study's folder")
        elif not is_name(folder.name):
            if _verifies(folder):  # a repair never removes anything intact
                description = f"a study with an invalid name ({NAME_RULE}): rename it"
                yield Finding("foreign", inside(root, folder), description)
            else:
                yield away(root, folder, "foreign", "no study's folder")
        else:
            yield from _files(root, folder)
            yield from _content(root, folder, recorded, listed)


def _files(root: Path, folder: Path) -> Iterator[Finding]:
    for path in sorted(folder.iterdir()):
        if found := odd(root, path):
            yield found
        elif path.name in (LOCK, PENDING) and not path.is_file():
            yield away(root, path, "foreign", "not a plain file: the study cannot be written")
        elif path.name == PENDING:
            description = "a study whose writer was stopped: it counts as saved"
            yield Finding("study", inside(root, path), description, problem=False)
        elif path.name not in (ASKED, RUNS, LOCK):
            description = "not a file of a study: it is never read"
            yield Finding("foreign", inside(root, path), description, problem=False)


def _content(root: Path, folder: Path, recorded: set[str], listed: set[str]) -> Iterator[Finding]:
    if not is_study(folder):
        description = f"there is no {ASKED}: the study cannot be read"
        empty = not any(path.name in (RUNS, PENDING) for path in folder.iterdir())
        yield away(root, folder, "study", description, problem=not empty)
        return
    try:
        asked, runs = read_pair(folder)
    except BadInput as error:
        description = _short(str(error), folder)
        if os.path.lexists(folder / PENDING) and _verifies(folder, pending=False):
            if (folder / PENDING).is_file() and not (folder / PENDING).is_symlink():
                yield away(
                    root, folder / PENDING, "study", f"{description}; {ASKED} and {RUNS} are whole"
                )
            asked, runs = read_pair(folder, pending=False)
        else:
            yield away(root, folder, "study", description)
            return
    ids = {str(id) for id in column(runs, "id")}
    listed |= ids
    missing = len(ids - recorded)
    if missing:
        open_ones = " (its arms choose more)" if asked.stages else ""
        description = f"{missing:,} of its {counted(len(ids), 'run')} without a record{open_ones}"
        yield Finding("study", inside(root, folder), description, problem=False)


def _verifies(folder: Path, pending: bool = True) -> bool:
    """Whether the study in `folder` can be read, with or without a stopped writer's file."""
    try:
        read_pair(folder, pending)
    except BadInput:
        return False
    return True


def _short(text: str, folder: Path) -> str:
    """The message without the path, which is part of the finding."""
    return text.replace(f"cannot read {folder}/", "")

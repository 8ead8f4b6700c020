"""Verify what is beside records: claims, attempts, checkpoints, models, lists of packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from runner.records import checkpoints, environments
from runner.records.claims import Claims
from runner.records.models import ENDING, look
from runner.records.record import Damaged, is_id
from runner.records.verification.finding import Finding, away, inside, is_temporary, link, odd, torn
from runner.text import counted


def claims(root: Path, recorded: set[str]) -> Iterator[Finding]:
    """Verify every claim: of live processes, of dead processes, of recorded runs."""
    book = Claims(root / "claims")
    alive = book.running()
    for path in _files(root / "claims"):
        if found := odd(root, path):
            yield found
            continue
        id, _, generation = path.name.partition(".")
        if path not in (book.path(id, int(g)) for g in [generation] if g.isdecimal()):
            yield away(root, path, "foreign", "no claim")
        elif id in alive:
            yield Finding("claim", inside(root, path), "a process is working on it", problem=False)
        elif id in recorded:
            yield _removed(root, path, "its run is recorded, so the claim is of no use")
        elif book.abandoned(path):
            yield _removed(root, path, "its owner is gone")
        else:
            description = (
                "from another machine or unreadable, and without a heartbeat: the next `run` "
                "takes it over"
            )
            yield Finding("claim", inside(root, path), description, problem=False)


def attempts(root: Path, known: set[str], closed: set[str]) -> Iterator[Finding]:
    """Verify the files of attempts: checkpoints, and files that belong to no `known` run.

    closed: runs with a final record. A run recorded as infra continues from its checkpoint.
    """
    orphans, unused, size = 0, 0, 0
    for folder in _files(root / "attempts"):
        if folder.is_symlink():
            yield link(root, folder)
            continue
        if not folder.is_dir():
            yield away(root, folder, "foreign", "not an attempt at a run")
            continue
        for path in folder.iterdir():
            if found := odd(root, path):
                yield found
        file = folder / checkpoints.NAME
        if file.is_file() and not file.is_symlink():
            if folder.name in closed:
                unused, size = unused + 1, size + file.stat().st_size
            try:
                with checkpoints.reading(file):
                    pass
            except (Damaged, OSError) as error:
                yield away(root, file, "damaged", f"a checkpoint: {error}")
        orphans += folder.name not in known
    if orphans:
        description = f"attempts of {counted(orphans, 'run')} without a record or study"
        yield Finding("orphan", "attempts", description, problem=False)
    if unused:
        description = (
            f"{counted(unused, 'checkpoint')} of finished runs, {size / 2**20:,.1f} MiB: of no use"
        )
        yield Finding("unused", "attempts", description, problem=False)


def models(root: Path, recorded: set[str]) -> Iterator[Finding]:
    """Verify every trained model: intact, and of a known run."""
    orphans = 0
    folder = root / "models"
    if folder.exists() and not folder.is_dir() and not folder.is_symlink():
        yield away(root, folder, "foreign", "a file in the place of the folder of models")
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if found := odd(root, path):
            yield found
        elif path.suffix != ENDING or not is_id(path.name.partition(".")[0]):
            yield Finding("foreign", inside(root, path), "no model", problem=False)
        else:
            damage, name = look(path)
            if damage:
                yield away(root, path, "damaged", f"a model: {damage}")
            elif name != path.name:
                description = f"it is the model {name}: give it that name"
                yield Finding("misplaced", inside(root, path), description)
            orphans += path.name.partition(".")[0] not in recorded
    if orphans:
        description = f"{counted(orphans, 'model')} of runs without a record"
        yield Finding("orphan", "models", description, problem=False)


def lists(root: Path, named: set[str]) -> Iterator[Finding]:
    """Look at every list of what was installed: whole, and there if a record names it."""
    folder = root / environments.FOLDER
    for file in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else ():
        if found := odd(root, file):
            yield found
        elif damage := environments.damage(file):
            yield away(root, file, "damaged", f"a list of packages: {damage}")
    gone = sum(not environments.path(root, digest).exists() for digest in named)
    if gone:
        description = f"{counted(gone, 'list')} of packages that records name: not here"
        yield Finding("environments", environments.FOLDER, description, problem=False)


def loose(root: Path) -> Iterator[Finding]:
    """Temporary files at the top of the store."""
    for path in sorted(root.iterdir()):
        if is_temporary(path.name):
            yield torn(root, path)


def _removed(root: Path, path: Path, description: str) -> Finding:
    return Finding("claim", inside(root, path), description, False, "remove it", path.unlink)


def _files(folder: Path) -> Iterator[Path]:
    """Files two levels below `folder`, and files one level below it."""
    for part in sorted(folder.iterdir()) if folder.is_dir() else ():
        if part.is_symlink() or not part.is_dir():
            yield part
        else:
            yield from sorted(part.iterdir())

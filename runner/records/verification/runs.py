"""Read and verify each record of a store, and compare the index with the records."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from runner.records import atomic_write, index
from runner.records.layout import aside
from runner.records.predictions import ENDING
from runner.records.record import Damaged, is_id, row, unseal
from runner.records.store import Store
from runner.records.verification.finding import Finding, away, inside, link, odd
from runner.records.verification.predictions import Named, missing, predictions
from runner.text import counted
from tricks.errors import BadInput

_CLAIMED = re.compile(rb'"id":"([0-9a-f]{16,64})"')
_OPEN = "move it to quarantine/, so that the run is open again"


@dataclass
class Seen:
    """The runs that a verification has seen."""

    states: dict[str, str] = field(default_factory=dict)  # of valid records
    damaged: set[str] = field(default_factory=set)
    named: dict[str, Named] = field(default_factory=dict)  # predictions that a record names
    environments: set[str] = field(default_factory=set)  # digests that records name


def runs(root: Path, seen: Seen, watch: Callable[[int], None]) -> Iterator[Finding]:
    """Verify every file under runs/; fills `seen`. watch: called with the number of files."""
    indexed = index.load(root / "index.csv")
    held = indexed or {}
    known, wrong, count = 0, 0, 0
    said: set[str] = set()  # runs with a file of predictions
    for folder in _entries(root / "runs"):
        path = Path(folder.path)
        if folder.is_symlink():
            yield link(root, path)
            continue
        if not folder.is_dir():
            yield _stranger(root, path)
            continue
        for entry in _entries(path):
            count += 1
            watch(count)
            file = Path(entry.path)
            id, ending = os.path.splitext(entry.name)
            if strange := odd(root, file):
                yield strange
            elif ending == ".json" and is_id(id) and folder.name == id[:2]:
                found = _record(root, file, id, seen, held.get(id))
                if isinstance(found, Finding):
                    yield found
                    continue
                known += id in held
                wrong += not found
            elif ending == ENDING and is_id(id) and folder.name == id[:2]:
                said.add(id)
                # The predictions of an unreadable record stay with it.
                if id in seen.states or not os.path.lexists(file.with_suffix(".json")):
                    yield from predictions(root, file, seen.named.get(id))
            else:
                yield _stranger(root, file)
    yield from missing(len(seen.named.keys() - said))
    yield from _index(root, indexed, len(seen.states) - known, len(held) - known, wrong)


def _record(
    root: Path, file: Path, id: str, seen: Seen, entry: index.Entry | None
) -> Finding | bool:
    """The problem of a record; for a valid record, whether the index agrees with it."""
    where = inside(root, file)
    try:
        status = file.lstat()
        record = unseal(atomic_write.read(file), id)
    except (Damaged, atomic_write.NotAFile) as error:
        seen.damaged.add(id)
        description = getattr(error, "strerror", None) or str(error)
        return Finding("damaged", where, description, True, _OPEN, partial(_open_again, root, id))
    except BadInput as error:
        return Finding("newer", where, str(error))
    except FileNotFoundError:  # another process is at work
        return True
    except OSError as error:
        return Finding("unreadable", where, error.strerror or str(error))
    seen.states[id] = str(record["state"])
    if digest := record.get("environment_sha256"):
        seen.environments.add(digest)
    if digest := record.get("predictions_sha256"):
        seen.named[id] = Named(digest, record.get("test_images") or 0)
    if entry is None or entry[:2] != (status.st_size, status.st_mtime_ns):
        return True
    values = row(record)
    if index.left_out(values):
        values["correct"] = None
    return entry.row == values


def _index(
    root: Path, held: Mapping[str, index.Entry] | None, unknown: int, gone: int, wrong: int
) -> Iterator[Finding]:
    path = root / "index.csv"

    def rebuild() -> None:
        path.unlink(missing_ok=True)
        Store(root, create=False).rows()

    if path.is_symlink():
        yield link(root, path)
    elif index.of_another_version(path):
        description = "another version wrote it: the next reader builds it again"
        yield Finding("index", "index.csv", description, problem=False)
    elif held is None and path.exists() and index.load(path) is None:  # it may be new
        description = "it does not verify, or an older version wrote it: it is not used"
        yield Finding("index", "index.csv", description, True, "build it again", rebuild)
    elif wrong:
        description = f"it differs from {counted(wrong, 'record')}"
        yield Finding("index", "index.csv", description, True, "build it again", rebuild)
    elif held and (unknown or gone):
        added = counted(unknown, "record")
        description = f"behind: {added} to add, {gone:,} to drop; the next reader updates it"
        yield Finding("index", "index.csv", description, problem=False)


def _stranger(root: Path, path: Path) -> Finding:
    """A file under runs/ without a record's name: a copy of a record, or foreign."""
    try:
        data = atomic_write.read(path)
        match = _CLAIMED.search(data)
        id = match[1].decode() if match else ""
        unseal(data, id)
    except (Damaged, BadInput, OSError):
        return away(root, path, "foreign", "neither a record nor another file of a store")
    place = root / "runs" / id[:2] / f"{id}.json"
    try:
        same = atomic_write.read(place) == data
    except OSError:
        description = f"the record of {id} in a wrong place: it is not counted"
        back = partial(_put_back, root, path, place, data)
        way = f"put it at {inside(root, place)}"
        return Finding("misplaced", inside(root, path), description, True, way, back)
    description = f"a {'copy' if same else 'second record'} of the run {id}: not counted"
    return away(root, path, "duplicate", description)


def _open_again(root: Path, id: str) -> None:
    """Quarantine a damaged record. Raises Damaged if this fails."""
    store = Store(root, create=False)
    if store.state(id) is None and os.path.lexists(store.path(id)):
        raise Damaged("it could not be moved")


def _put_back(root: Path, path: Path, place: Path, data: bytes) -> None:
    """Move a record to its place; the copy goes to quarantine/."""
    atomic_write.create(place, data)
    aside(root, path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []

"""Store: one folder of records, shared by all studies and any number of runners.

FORMAT                  schema version
studies/<name>/         what was asked for
runs/ab/<id>.json       one record a run, written once
attempts/ab/<id>/<n>/   what a failed attempt left: its log, its epochs
models/<id>.safetensors trained models, where they were asked for
claims/ab/<id>.<n>      who is training the run
index.csv               derived, disposable
quarantine/             what did not verify, or was removed
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.records import durable, index
from runner.records.claims import Claims
from runner.records.migration import SCHEMA
from runner.records.record import Damaged, check_id, row, seal, unseal
from tricks.errors import BadInput

FOLDERS = ("studies", "runs", "attempts", "claims", "quarantine")
_FORMAT = "tricks-bench store, schema "


class Store:
    """The records under `root`.

    With `create` the store is made if missing, and must be writable; without, it must exist.
    Raises BadInput for a store that is missing, not writable, or of a newer schema.
    """

    def __init__(self, root: Path | str, create: bool = True) -> None:
        self.root = Path(root)
        if create:
            self._make()
        check_format(self.root)
        for link in links(self.root):
            raise BadInput(f"{link} is a symbolic link: a store holds none (`tricks-bench doctor`)")
        if create:
            self._check_writable()
        self.claims = Claims(self.root / "claims")

    def ids(self) -> set[str]:
        """Ids of all runs that have a record, verified or not."""
        return {id for id, _ in self._files()}

    def state(self, id: str) -> str | None:
        """ok, diverged, failed or infra; None if there is no record that verifies."""
        record = self.read(id)
        return None if record is None else str(record["state"])

    def states(self, ids: Iterable[str] | None = None) -> dict[str, str]:
        """State by id, of all or of some runs; those without a record are left out."""
        return {id: values["state"] for id, values in self.rows(ids).items()}

    def rows(self, ids: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """Main columns by id (see `record.row`), from the index as far as it holds.

        What the index lacks is read and verified, and the index is written again if it can be.
        `correct` is None for large test sets: see `index.left_out`.
        """
        present = dict(self._files())
        wanted = present.keys() if ids is None else present.keys() & {check_id(id) for id in ids}
        held = index.load(self.root / "index.csv")
        known = {id: entry for id, entry in held.items() if id in present}
        changed = len(known) != len(held)
        rows = {}
        for id in wanted:
            try:
                status = os.lstat(present[id])
            except FileNotFoundError:
                known.pop(id, None)
                continue
            entry = known.get(id)
            if entry is None or entry[:2] != (status.st_size, status.st_mtime_ns):
                changed = True
                known.pop(id, None)
                record = self.read(id)
                if record is None:
                    continue
                entry = index.Entry(status.st_size, status.st_mtime_ns, row(record))
                known[id] = entry
            rows[id] = entry.row
        if changed:
            with contextlib.suppress(OSError):
                index.save(self.root / "index.csv", known)
        return rows

    def read(self, id: str) -> dict[str, Any] | None:
        """The record of `id`; None if there is none. One that does not verify is quarantined."""
        path = self.path(id)
        try:
            return unseal(durable.read(path), id)
        except FileNotFoundError:
            return None
        except (Damaged, durable.NotAFile):
            return self._quarantine(id)
        except OSError as error:
            raise BadInput(f"cannot read {path}: {error.strerror}") from error

    def commit(self, record: Mapping[str, Any]) -> bool:
        """Write a record for good; False if the run had one, which then stays as it is.

        Raises OSError if it cannot be written; then the store is as it was.
        """
        return durable.create(self.path(record["id"]), seal(record))

    def remove(self, id: str) -> bool:
        """Move the record of `id` to quarantine/, so that the run is open again."""
        return aside(self.root, self.path(id)) is not None

    def attempt(self, id: str) -> Path:
        """A new folder for one attempt at the run `id`; its name is the attempt's number."""
        folder = self.root / "attempts" / check_id(id)[:2] / id
        folder.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink():
            raise BadInput(f"{folder} is a symbolic link: a store holds none")
        number = 1 + max((int(n) for n in os.listdir(folder) if n.isdigit()), default=0)
        while True:
            try:
                (folder / str(number)).mkdir()
                return folder / str(number)
            except FileExistsError:
                number += 1

    def path(self, id: str) -> Path:
        """The file of a record, whether it exists or not. Raises BadInput for no id."""
        return self.root / "runs" / check_id(id)[:2] / f"{id}.json"

    def sweep(self) -> None:
        """Clear away what dead runners left: their claims, and temporary files a day old."""
        self.claims.sweep()
        yesterday = time.time() - 86_400
        left = (f"*/??/.*{durable.TEMPORARY}", f"models/.*{durable.TEMPORARY}")
        for path in (path for pattern in left for path in self.root.glob(pattern)):
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < yesterday:
                    path.unlink()

    def _quarantine(self, id: str) -> dict[str, Any] | None:
        """Move a record that does not verify away; what verifies after all is put back.

        Without hard links a commit is empty for a moment: a reader may look just then, and move
        the whole record that has taken the place by the time it acts.
        """
        moved = aside(self.root, self.path(id))
        if moved is None:
            return None
        try:
            data = durable.read(moved)
            record = unseal(data, id)
        except (Damaged, BadInput, OSError):
            return None
        durable.create(self.path(id), data)
        moved.unlink(missing_ok=True)
        return record

    def _files(self) -> Iterable[tuple[str, str]]:
        runs = self.root / "runs"
        try:
            folders = [e.path for e in os.scandir(runs) if len(e.name) == 2 and not e.is_symlink()]
        except FileNotFoundError:
            return
        for folder in folders:
            for name in os.listdir(folder):
                id, ending = os.path.splitext(name)
                if ending == ".json" and id[:2] == folder[-2:]:
                    with contextlib.suppress(BadInput):
                        yield check_id(id), os.path.join(folder, name)

    def _make(self) -> None:
        """Make the folder and its FORMAT, if they are not there."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if not (self.root / "FORMAT").exists():
                durable.create(self.root / "FORMAT", format_line(SCHEMA))
        except OSError as error:
            raise _unwritable(self.root, error) from error

    def _check_writable(self) -> None:
        try:
            for name in FOLDERS:
                (self.root / name).mkdir(exist_ok=True)
            probe = self.root / f".probe.{os.getpid()}.{time.time_ns()}"
            durable.replace(probe, b"x")
            probe.unlink()
        except OSError as error:
            raise _unwritable(self.root, error) from error


def format_line(schema: int) -> bytes:
    """The content of a store's FORMAT."""
    return f"{_FORMAT}{schema}\n".encode()


def check_format(root: Path) -> None:
    """Raises BadInput unless `root` is a store of a schema that this version reads."""
    path = root / "FORMAT"
    try:
        text = durable.read(path, most=1_000).decode()
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
    for name in (*FOLDERS, "models"):
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

"""Store: one folder of records, shared by all studies and any number of processes."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import time
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.records import atomic_write, index, record_schema
from runner.records.checkpoints import attempts
from runner.records.claims import Claims
from runner.records.layout import aside, check_format, check_writable, links, make
from runner.records.predictions import ENDING, unpack
from runner.records.record import STATES, Damaged, check_id, row, seal, unseal
from runner.records.record_files import Status, record_files
from runner.records.record_schema import Record
from runner.records.rows import uncollected
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.analysis.metrics.predictions import Predictions


class Store:
    """The records under `root`.

    With `create`, a missing store is created, and the store must be writable. Without, it must
    exist. Raises BadInput for a store that is missing, not writable, or of a newer schema.
    """

    def __init__(self, root: Path | str, create: bool = True) -> None:
        self.root = Path(root)
        if create:
            make(self.root)
        check_format(self.root)
        for link in links(self.root):
            raise BadInput(
                f"{link} is a symbolic link, which a store must not have: "
                "`tricks-bench doctor` helps"
            )
        if create:
            check_writable(self.root)
        self.claims = Claims(self.root / "claims")

    def ids(self) -> set[str]:
        """Ids of all runs that have a record, verified or not."""
        return set(record_files(self.root, wanted=())[0])

    def state(self, id: str) -> str | None:
        """ok, diverged, failed or infra; None without a valid record."""
        record = self.read(id)
        return None if record is None else str(record["state"])

    def record(self, id: str) -> Record | None:
        """The record of `id`; None if there is no record, or if it does not verify (see `read`)."""
        values = self.read(id)
        return None if values is None else record_schema.read(values)

    def states(self, ids: Iterable[str] | None = None) -> dict[str, str]:
        """State by id, of all or of some runs; runs without a record are left out."""
        found = self.columns(("state",), ids)
        return dict(zip(found["id"], found["state"], strict=True))

    def rows(self, ids: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """Main columns by id (see `record.row`), of all or of some runs; see `columns`."""
        return index.rows(self.columns(index.ROW, ids))

    @uncollected()
    def columns(self, names: Iterable[str], ids: Iterable[str] | None = None) -> index.Columns:
        """Columns `names` of `index.HEADER` and "id", of all or of some runs, in any order.

        From the index as far as it is valid. Other records are read and verified, and the index is
        written again if possible. `correct` is None for large test sets: see `index.left_out`.
        """
        held = index.read(self.root / "index.csv", ("id", "size", "changed", *names))
        known = _known(held)
        wanted = None if ids is None else set(ids)
        others, same = record_files(self.root, known, wanted)
        for id in (wanted or set()) - known.keys() - others.keys():
            check_id(id)
        gone = same + len(others.keys() & known.keys()) < len(known)
        if gone or any(at is not None for at in others.values()):
            files, _ = record_files(self.root, wanted=wanted)
            held = self._indexed(files)
            return _chosen(held, [files.get(id) is not None for id in held["id"]])
        return _chosen(held, [id not in others for id in held["id"]]) if others else held

    def _indexed(self, files: Mapping[str, Status | None]) -> index.Columns:
        """The whole index, without removed records and with new records. Also saves it."""
        path = self.root / "index.csv"
        held = index.read(path)
        # Load it again: another process may have written it, or another column may not verify.
        known = _known(held)
        fresh = {id for id, at in files.items() if at is not None and at != known.get(id)}
        held = _chosen(held, [id in files and id not in fresh for id in held["id"]])
        for id in fresh:
            record = self.read(id)
            if record is not None:
                size, changed = files[id] or (0, 0)
                entry = {"id": id, "size": size, "changed": changed, **row(record)}
                if index.left_out(entry):
                    entry["correct"] = None
                for name, column in held.items():
                    column.append(entry[name])
        with contextlib.suppress(OSError):
            index.save(path, held)
        return held

    def read(self, id: str) -> dict[str, Any] | None:
        """The record of `id` as JSON values with all fields; most callers use `record` instead.

        None if there is no record. A record that does not verify is quarantined.
        """
        path = self.path(id)
        try:
            return unseal(atomic_write.read(path), id)
        except FileNotFoundError:
            return None
        except (Damaged, atomic_write.NotAFile):
            return self._quarantine(id)
        except OSError as error:
            if error.errno == errno.EFBIG:
                return self._quarantine(id)
            raise BadInput(f"cannot read {path}: {error.strerror}") from error

    def commit(self, record: Mapping[str, Any], predictions: bytes | None = None) -> bool:
        """Write a final record. Returns False if the run has a record, which stays unchanged.

        predictions: on the test images, from `records.predictions.pack`; the record gets their
        SHA-256. They are written first: a writer that is stopped between the two leaves a file that
        no record names, and the next attempt replaces it.

        Raises OSError if the record cannot be written; then no new record exists.
        """
        path = self.path(record["id"])
        if predictions is None:
            return atomic_write.create(path, seal(record))
        if os.path.lexists(path):
            return False
        digest = hashlib.sha256(predictions).hexdigest()
        sealed, beside = seal({**record, "predictions_sha256": digest}), path.with_suffix(ENDING)
        # A writer that was stopped here may find another record, which then owns the predictions.
        if not atomic_write.create(beside, predictions):
            if os.path.lexists(path):
                return False
            atomic_write.replace(beside, predictions)
        return atomic_write.create(path, sealed)

    def predictions(self, record: Record) -> Predictions | None:
        """The predictions of a record's model on each test image.

        None if no file is kept, or if it is not the file that the record names.
        """
        path = self.path(record.id).with_suffix(ENDING)
        try:
            data = atomic_write.read(path)
            if hashlib.sha256(data).hexdigest() != record.predictions_sha256:
                return None
            return unpack(data, record.test_images or 0)
        except (OSError, Damaged):
            return None

    def remove(self, id: str, states: Container[str] = STATES) -> bool:
        """Move the record of `id` to quarantine/, so that the run is trained again.

        states: the record must have one of them. A process that was stopped since it looked may
        find another record in this place; then the other record stays.
        """
        return self._aside(id, states)[0]

    def attempt(self, id: str) -> Path:
        """A new folder for one attempt at the run `id`; its name is the attempt's number."""
        folder = attempts(self.root, id)
        while True:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if folder.is_symlink():
                    raise BadInput(
                        f"{folder} is a symbolic link, which a store must not have: remove it"
                    )
                number = 1 + max((int(n) for n in os.listdir(folder) if n.isdigit()), default=0)
                (folder / str(number)).mkdir()
                return folder / str(number)
            except FileExistsError:
                if not folder.is_dir():
                    raise
            except FileNotFoundError:  # another process that was done has removed the empty folder
                if not self.root.is_dir():
                    raise

    def path(self, id: str) -> Path:
        """The path of a record, which need not exist. Raises BadInput for an invalid id."""
        return self.root / "runs" / check_id(id)[:2] / f"{id}.json"

    def sweep(self) -> None:
        """Remove claims of dead processes, and temporary files that are a day old."""
        self.claims.sweep()
        yesterday = time.time() - 86_400
        places = ("", "*/??/", "attempts/??/*/", "studies/*/", "models/", "environments/")
        left = (f"{place}.*{atomic_write.TEMPORARY}" for place in places)
        for path in (path for pattern in left for path in self.root.glob(pattern)):
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < yesterday and not path.parent.is_symlink():
                    path.unlink()

    def _quarantine(self, id: str) -> dict[str, Any] | None:
        """Move a record that does not verify away; if it verifies after all, put it back.

        Without hard links a new record is empty for a moment. A reader may look at this moment, and
        then move the complete record that has replaced the empty file.
        """
        return self._aside(id, ())[1]

    def _aside(self, id: str, states: Container[str]) -> tuple[bool, dict[str, Any] | None]:
        """Whether the record of `id` was moved away; a record with another state is put back.

        The second value is the record that was put back, if any.
        """
        path = self.path(id)
        moved = aside(self.root, path)
        if moved is None:
            return False, None
        record = None
        with contextlib.suppress(Damaged, BadInput, OSError):
            data = atomic_write.read(moved)
            record = unseal(data, id)
        if record is None or record["state"] in states:
            with contextlib.suppress(OSError):  # its predictions, if any, go with it
                os.rename(path.with_suffix(ENDING), moved.with_suffix(ENDING))
            return True, None
        atomic_write.create(path, data)
        moved.unlink(missing_ok=True)
        return False, record


def existing(root: Path) -> Store | None:
    """The store at `root`; None if there is none yet."""
    return Store(root, create=False) if (root / "FORMAT").exists() else None


def _known(held: index.Columns) -> dict[str, Status]:
    """Id -> the state of the file that the index was made from."""
    return dict(zip(held["id"], zip(held["size"], held["changed"], strict=True), strict=True))


def _chosen(held: index.Columns, places: list[bool]) -> index.Columns:
    """The rows where `places` is true."""
    return {name: list(itertools.compress(column, places)) for name, column in held.items()}

"""Store: one folder of records, shared by all studies and any number of runners."""

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

    With `create` the store is made if missing, and must be writable; without, it must exist.
    Raises BadInput for a store that is missing, not writable, or of a newer schema.
    """

    def __init__(self, root: Path | str, create: bool = True) -> None:
        self.root = Path(root)
        if create:
            make(self.root)
        check_format(self.root)
        for link in links(self.root):
            raise BadInput(f"{link} is a symbolic link: a store holds none (`tricks-bench doctor`)")
        if create:
            check_writable(self.root)
        self.claims = Claims(self.root / "claims")

    def ids(self) -> set[str]:
        """Ids of all runs that have a record, verified or not."""
        return set(record_files(self.root, wanted=())[0])

    def state(self, id: str) -> str | None:
        """ok, diverged, failed or infra; None if there is no record that verifies."""
        record = self.read(id)
        return None if record is None else str(record["state"])

    def record(self, id: str) -> Record | None:
        """The record of `id`; None if there is none, or it does not verify (see `read`)."""
        values = self.read(id)
        return None if values is None else record_schema.read(values)

    def states(self, ids: Iterable[str] | None = None) -> dict[str, str]:
        """State by id, of all or of some runs; those without a record are left out."""
        found = self.columns(("state",), ids)
        return dict(zip(found["id"], found["state"], strict=True))

    def rows(self, ids: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """Main columns by id (see `record.row`), of all or of some runs; see `columns`."""
        names = index.HEADER[3:]
        found = self.columns(names, ids)
        rows = zip(*(found[name] for name in names), strict=True)
        return {
            id: dict(zip(names, row, strict=True))
            for id, row in zip(found["id"], rows, strict=True)
        }

    @uncollected()
    def columns(self, names: Iterable[str], ids: Iterable[str] | None = None) -> index.Columns:
        """Columns `names` of `index.HEADER` and "id", of all or of some runs, in any order.

        From the index as far as it holds. What it lacks is read and verified, and the index is
        written again if it can be. `correct` is None for large test sets: see `index.left_out`.
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
        """The whole index without records that are gone, and with those it lacks; also saved."""
        path = self.root / "index.csv"
        held = index.read(path)
        # Not what the reader of a few columns knew: another may have written since, or one of the
        # other columns does not verify.
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
        """The record of `id` as JSON values, for what must hand on all of it; others use `record`.

        None if there is none. One that does not verify is quarantined.
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
        """Write a record for good; False if the run had one, which then stays as it is.

        predictions: those on the test images, as `records.predictions.pack` gives them; the record
        gets their SHA-256. They are written first: a writer that is stopped between the two leaves
        a file that no record names, and that the next attempt replaces.
        Raises OSError if it cannot be written; then there is no record that was not there.
        """
        path = self.path(record["id"])
        if predictions is None:
            return atomic_write.create(path, seal(record))
        if os.path.lexists(path):
            return False
        digest = hashlib.sha256(predictions).hexdigest()
        sealed, beside = seal({**record, "predictions_sha256": digest}), path.with_suffix(ENDING)
        # One that was stopped here may find a record in the place, whose predictions they then are.
        if not atomic_write.create(beside, predictions):
            if os.path.lexists(path):
                return False
            atomic_write.replace(beside, predictions)
        return atomic_write.create(path, sealed)

    def predictions(self, record: Record) -> Predictions | None:
        """What the model of a record said of each test image.

        None where no file is kept, or where it is not the one that the record names.
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
        """Move the record of `id` to quarantine/, so that the run is open again.

        states: those that it may have. One that was stopped since it looked may find another
        record in the place: then that one stays.
        """
        return self._aside(id, states)[0]

    def attempt(self, id: str) -> Path:
        """A new folder for one attempt at the run `id`; its name is the attempt's number."""
        folder = self.root / "attempts" / check_id(id)[:2] / id
        while True:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if folder.is_symlink():
                    raise BadInput(f"{folder} is a symbolic link: a store holds none")
                number = 1 + max((int(n) for n in os.listdir(folder) if n.isdigit()), default=0)
                (folder / str(number)).mkdir()
                return folder / str(number)
            except FileExistsError:
                if not folder.is_dir():
                    raise
            except FileNotFoundError:  # another that was done has removed the empty folder
                if not self.root.is_dir():
                    raise

    def path(self, id: str) -> Path:
        """The file of a record, whether it exists or not. Raises BadInput for no id."""
        return self.root / "runs" / check_id(id)[:2] / f"{id}.json"

    def sweep(self) -> None:
        """Clear away what dead runners left: their claims, and temporary files a day old."""
        self.claims.sweep()
        yesterday = time.time() - 86_400
        places = ("", "*/??/", "attempts/??/*/", "studies/*/", "models/")
        left = (f"{place}.*{atomic_write.TEMPORARY}" for place in places)
        for path in (path for pattern in left for path in self.root.glob(pattern)):
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < yesterday and not path.parent.is_symlink():
                    path.unlink()

    def _quarantine(self, id: str) -> dict[str, Any] | None:
        """Move a record that does not verify away; what verifies after all is put back.

        Without hard links a commit is empty for a moment: a reader may look just then, and move
        the whole record that has taken the place by the time it acts.
        """
        return self._aside(id, ())[1]

    def _aside(self, id: str, states: Container[str]) -> tuple[bool, dict[str, Any] | None]:
        """Whether the record of `id` was moved away; if it is in none of `states`, it is put back.

        The second is the record that was put back.
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
            with contextlib.suppress(OSError):  # its predictions go with it, if there are any
                os.rename(path.with_suffix(ENDING), moved.with_suffix(ENDING))
            return True, None
        atomic_write.create(path, data)
        moved.unlink(missing_ok=True)
        return False, record


def _known(held: index.Columns) -> dict[str, Status]:
    """By id: the files that the index was made from."""
    return dict(zip(held["id"], zip(held["size"], held["changed"], strict=True), strict=True))


def _chosen(held: index.Columns, places: list[bool]) -> index.Columns:
    """The rows of which `places` says so."""
    return {name: list(itertools.compress(column, places)) for name, column in held.items()}

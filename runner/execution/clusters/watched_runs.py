"""Watch runs of other processes through the store: claims, epochs, records."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from runner.execution.messages import Begun, EpochDone, Message, Recorded
from runner.execution.work import Figures
from runner.records import checkpoints
from runner.records.json_values import finite
from runner.records.store import Store


@dataclass
class _Watched:
    """A run, and how much of it was reported."""

    before: tuple[int, int] | None  # file of the record that it had when it was given
    attempt: int = 0
    read: int = 0  # bytes of its epochs


@dataclass
class WatchedRuns:
    """Watched runs, and what was reported about each.

    A look costs a listing of claims/ab and runs/ab for each pair of digits that begins a watched
    id, and for each claimed run a listing and a short read.
    """

    store: Store
    _watched: dict[str, _Watched] = field(default_factory=dict)

    def __contains__(self, id: str) -> bool:
        return id in self._watched

    def __len__(self) -> int:
        return len(self._watched)

    def __iter__(self) -> Iterator[str]:
        return iter(self._watched)

    def watch(self, id: str) -> None:
        """Report news of this run from now on. An existing record is no news."""
        self._watched[id] = _Watched(file_of(self.store.path(id)))

    def forget(self, id: str) -> None:
        """Stop reporting news of a run."""
        self._watched.pop(id, None)

    def look(self) -> list[tuple[str, Message]]:
        """News of the watched runs since the last look; runs with a record are then forgotten."""
        heard: list[tuple[str, Message]] = []
        by_start: dict[str, list[str]] = {}
        for id in self._watched:
            by_start.setdefault(id[:2], []).append(id)
        for start, ids in by_start.items():
            # Claims first: a worker commits before it releases.
            claims = names_in(self.store.claims.folder / start)
            records = names_in(self.store.root / "runs" / start)
            claimed = {name.partition(".")[0] for name in claims}
            recorded = {name.removesuffix(".json") for name in records if name.endswith(".json")}
            for id in ids:
                if id in claimed or id in recorded:
                    heard += self._epochs(id)
                if id in recorded:
                    heard += self._record(id)
        return heard

    def _epochs(self, id: str) -> Iterator[tuple[str, Message]]:
        run = self._watched[id]
        folder = checkpoints.attempts(self.store.root, id)
        latest = max((int(name) for name in names_in(folder) if name.isdecimal()), default=0)
        if not latest:
            return
        if latest != run.attempt:
            run.attempt, run.read = latest, 0
            yield id, Begun(latest)
        try:
            with (folder / str(latest) / "epochs.jsonl").open("rb") as file:
                file.seek(run.read)
                lines = file.read().splitlines(keepends=True)
        except OSError:
            return
        for line in lines:
            if not line.endswith(b"\n"):
                return
            run.read += len(line)
            try:
                yield id, EpochDone(finite(msgspec.json.decode(line, type=Figures)))
            except msgspec.DecodeError:
                continue

    def _record(self, id: str) -> Iterator[tuple[str, Message]]:
        if file_of(self.store.path(id)) == self._watched[id].before:
            return
        record = self.store.record(id)
        if record is not None:
            self.forget(id)
            seconds = max(record.total_seconds, record.wall_seconds or 0.0)
            yield id, Recorded(record.state, record.val_accuracy, seconds, record.error)


def file_of(path: Path) -> tuple[int, int] | None:
    """The file's inode and its time of change in nanoseconds; None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def names_in(folder: Path) -> list[str]:
    """Names in a folder; [] without a folder."""
    try:
        return os.listdir(folder)
    except OSError:
        return []

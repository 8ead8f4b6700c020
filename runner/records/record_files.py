"""The files of a store's records: which there are, and whether they have changed."""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from pathlib import Path

from runner.records.record import is_id

Status = tuple[int, int]  # size (bytes) and time of change (ns) of a file


def record_files(
    root: Path, known: Mapping[str, Status] | None = None, wanted: Container[str] | None = None
) -> tuple[dict[str, Status | None], int]:
    """Records whose files are not as `known`, and how many are.

    The first has size and time of change by id, None for those not `wanted`.
    """
    known = known or {}
    others: dict[str, Status | None] = {}
    same = 0
    try:
        with os.scandir(root / "runs") as entries:
            folders = [e for e in entries if len(e.name) == 2 and not e.is_symlink()]
    except FileNotFoundError:
        return others, same
    for folder in folders:
        try:
            descriptor = os.open(folder.path, os.O_RDONLY | os.O_DIRECTORY)
        except (NotADirectoryError, FileNotFoundError):
            continue
        try:  # by the folder's descriptor: a path from the root takes twice as long
            start = folder.name
            for name in os.listdir(descriptor):
                if name[-5:] != ".json" or name[:2] != start:  # predictions, half-written files
                    continue
                id = name[:-5]
                before = known.get(id)
                if before is None and not is_id(id):
                    continue
                if wanted is not None and id not in wanted:
                    others[id] = None
                    continue
                try:  # not contextlib.suppress: 100,000 of those take half as long as the stats
                    status = os.lstat(name, dir_fd=descriptor)
                except FileNotFoundError:
                    continue
                now = (status.st_size, status.st_mtime_ns)
                if now == before:
                    same += 1
                else:
                    others[id] = now
        finally:
            os.close(descriptor)
    return others, same

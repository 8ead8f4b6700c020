"""The files of a store's records, and which of them have changed."""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from pathlib import Path

from runner.records.record import is_id

Status = tuple[int, int]  # size (bytes) and time of change (ns) of a file


def record_files(
    root: Path, known: Mapping[str, Status] | None = None, wanted: Container[str] | None = None
) -> tuple[dict[str, Status | None], int]:
    """Records whose files differ from `known`, and the number of records that do not differ.

    The first maps ids to size and time of change, or to None for ids not in `wanted`.
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
        try:  # by the folder's descriptor: a full path takes twice as long
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
                try:  # contextlib.suppress for 100,000 files would add half the time of the stats
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

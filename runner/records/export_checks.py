"""Checks of an exported study: its checksums, the values of its runs, and one row for each run."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.analysis.data.repeats import repeated
from runner.records import atomic_write, record_schema
from runner.records.record import COLUMNS, WHOLE
from tricks.errors import BadInput

if TYPE_CHECKING:
    import pandas

SUMS = "SHA256SUMS"
FILES = ("runs.csv", "epochs.csv.gz", "records.jsonl.gz", "study.toml")
ALSO = ("confusions.csv.gz",)  # where predictions are kept


def mismatches(folder: Path) -> list[str]:
    """Differences from the checksums in the exported `folder`; [] if it has no checksums."""
    try:
        lines = atomic_write.read(folder / SUMS, most=10_000).decode().splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        return [f"{folder / SUMS} cannot be read: {error}"]
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if sums.keys() - set(ALSO) != set(FILES):
        return [f"{folder / SUMS} does not name the files of an export"]
    found = []
    for name, digest in sums.items():
        try:
            same = hashlib.sha256(atomic_write.read(folder / name)).hexdigest() == digest
        except OSError as error:
            found.append(f"{folder / name} cannot be read: {error.strerror or error}")
            continue
        if not same:
            found.append(
                f"{folder / name} has changed since it was exported (its checksum does not match)"
            )
    return found


def check_runs(runs: pandas.DataFrame) -> None:
    """Raises ValueError for a cell of runs.csv that cannot come from a record."""
    for row in runs.to_dict("records"):
        fields: dict[str, Any] = {}
        for column, path in COLUMNS.items():
            value = row[column]
            if value is None or value != value:
                continue
            place = fields
            for key in path[:-1]:
                place = place.setdefault(key, {})
            place[path[-1]] = int(value) if column in WHOLE else value
        record_schema.read({"id": row["id"], "state": row["state"], "seed": row["seed"], **fields})


def check_rows(keys: list[str], path: Path, first: int) -> None:
    """Raises BadInput if two rows have the same key. first: the first row's number."""
    again = repeated(keys, range(first, first + len(keys)))
    if again is not None:
        raise BadInput(f"cannot read {path}: {again[1]} are of one run, {again[0]}")


def check_agreement(runs: pandas.DataFrame, path: Path) -> None:
    """Raises BadInput for a run with different values in two stages."""
    shared = runs[runs["id"].duplicated(keep=False)].drop(columns="stage", errors="ignore")
    other = shared.drop_duplicates()
    again = repeated(list(other["id"]), [int(row) + 2 for row in other.index])
    if again is not None:
        raise BadInput(f"cannot read {path}: {again[1]} are of one run, {again[0]}, and differ")

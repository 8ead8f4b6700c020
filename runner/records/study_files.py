"""A study's two files, study.toml and runs.csv: written as one, and checked when read.

study.toml has the checksum of runs.csv and, in its last line, its own checksum. Both files are
first written into one file, `.pending`, which is valid until both have been replaced. So a study is
complete, old or new, wherever a writer is stopped.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.analysis.data.repeats import repeated
from runner.records import atomic_write
from runner.records.record import is_id
from runner.records.rows import Cell, Rows, uncollected
from runner.records.study_toml import StudyToml, checked
from tricks.errors import BadInput

ASKED, RUNS, PENDING = "study.toml", "runs.csv", ".pending"

_SUM, _SAVED = "runs_sha256", "saved"
_SEAL = re.compile(rb"# sha256 ([0-9a-f]{64})\n")


def write_pair(folder: Path, saved: str, asked: Mapping[str, Any], runs: bytes) -> None:
    """Write both files of the study in `folder`.

    saved: the time, as ISO text. asked: see `StudyToml.to_mapping`. Raises OSError; then the study
    is the complete old study or the complete new study.
    """
    head = {_SUM: hashlib.sha256(runs).hexdigest(), _SAVED: saved}
    toml = write_asked({**head, **asked})
    toml += f"# sha256 {hashlib.sha256(toml).hexdigest()}\n".encode()
    pending = folder / PENDING
    atomic_write.replace(pending, json.dumps([toml.decode(), runs.decode()]).encode())
    atomic_write.replace(folder / RUNS, runs)
    atomic_write.replace(folder / ASKED, toml)
    pending.unlink()


@uncollected()
def read_pair(folder: Path, pending: bool = True) -> tuple[StudyToml, Rows]:
    """The request and the runs. Raises BadInput that names the file and its fault.

    pending: whether `.pending` is used, if it exists.
    """
    before = None
    while True:
        pair = toml, runs = _pair(folder) if pending else _files(folder)
        values, asked = _asked(toml, folder / ASKED)
        found = hashlib.sha256(runs).hexdigest()
        if values.get(_SUM, found) == found:
            columns = _runs(runs, folder / RUNS)
            check_levels(asked, columns, folder / RUNS)
            check_once(columns, folder / RUNS)
            return asked, Rows(columns)
        if pair == before:  # no writer came between the two reads
            raise BadInput(
                f"cannot read {folder / RUNS}: it was not written together with {ASKED} (its "
                "checksum does not match)"
            )
        before = pair


def is_study(folder: Path) -> bool:
    """Whether `folder` has a study, complete or being written."""
    return (folder / ASKED).is_file() or (folder / PENDING).is_file()


def saved(folder: Path) -> str:
    """The time at which the study in `folder` was saved (ISO); "" if unknown. Raises BadInput."""
    in_writing = (folder / PENDING).exists()
    data = _pair(folder)[0] if in_writing else _bytes(folder / ASKED)
    return str(_toml(data, folder / ASKED).get(_SAVED, ""))


def _pair(folder: Path) -> tuple[bytes, bytes]:
    """The bytes of both files; from `.pending`, if a writer has not finished."""
    try:
        pending = json.loads(atomic_write.read(folder / PENDING))
        toml, runs = (text.encode() for text in pending)
    except FileNotFoundError:
        return _files(folder)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"cannot read {folder / PENDING}: {error}") from error
    return toml, runs


def _files(folder: Path) -> tuple[bytes, bytes]:
    return _bytes(folder / ASKED), _bytes(folder / RUNS)


def _bytes(path: Path) -> bytes:
    try:
        return atomic_write.read(path)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror or error}") from error


def write_asked(asked: Mapping[str, Any]) -> bytes:
    """study.toml; asked: see `StudyToml.to_mapping`."""
    import tomli_w

    return tomli_w.dumps(asked).encode()


def read_asked(path: Path) -> StudyToml:
    """The content of a study.toml. Raises BadInput that names the file and the key."""
    return _asked(_bytes(path), path)[1]


def _asked(data: bytes, path: Path) -> tuple[dict[str, Any], StudyToml]:
    """All values in a study.toml; and the typed values, without the checksum and the saved time."""
    values = _toml(data, path)
    asked = checked({k: v for k, v in values.items() if k not in (_SUM, _SAVED)}, path)
    seal = _SEAL.fullmatch(data[-74:])
    if _SUM in values and seal is None:
        raise BadInput(f"cannot read {path}: its last line, with its checksum, is missing")
    if seal is not None and hashlib.sha256(data[:-74]).hexdigest() != seal[1].decode():
        raise BadInput(f"cannot read {path}: it was changed (its checksum does not match)")
    return values, asked


def _toml(data: bytes, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise BadInput(f"cannot read {path}: {error}") from error


def write_runs(runs: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> bytes:
    """runs.csv: one line per run, with `StoredStudy.columns`."""
    text = io.StringIO(newline="")
    lines = csv.DictWriter(text, list(columns), lineterminator="\n")
    lines.writeheader()
    lines.writerows(runs)
    return text.getvalue().encode()


def _runs(data: bytes, path: Path) -> dict[str, Sequence[Any]]:
    """The inverse of `write_runs`, by column. Raises BadInput."""
    try:
        text = data.decode()
        columns = _plain_cells(text) or _cells(text)
        if not all(map(is_id, columns["id"])):
            raise ValueError("one of its ids is invalid")
        columns["seed"] = list(map(int, columns["seed"]))
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise BadInput(f"cannot read {path}: {error}") from error
    return columns


def _plain_cells(text: str) -> dict[str, Sequence[Any]] | None:
    """The result of `_cells`, three times as fast; None if the text needs a CSV reader.

    Many lines have the same levels after id and seed: each such ending is split only once.
    """
    head, _, body = text.partition("\n")
    if '"' in text or "\r" in text or not body.endswith("\n"):
        return None
    names, lines = head.split(","), [line.split(",", 2) for line in body[:-1].split("\n")]
    if set(map(len, lines)) != {3}:
        return None
    ids, seeds, ends = ([line[place] for line in lines] for place in range(3))
    places = {end: place for place, end in enumerate(dict.fromkeys(ends))}
    levels = [end.split(",") for end in places]
    if set(map(len, levels)) != {len(names) - 2}:
        return None
    arms = list(map(places.__getitem__, ends))
    columns: dict[str, Sequence[Any]] = {names[0]: ids, names[1]: seeds}
    for name, column in zip(names[2:], zip(*levels, strict=True), strict=True):
        columns[name] = list(map(column.__getitem__, arms))
    return columns


def _cells(text: str) -> dict[str, Sequence[Any]]:
    """The columns of a CSV. Raises ValueError, csv.Error."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = next(lines, [])
    cells = [line for line in lines if line]
    if set(map(len, cells)) - {len(names)}:
        raise ValueError("a line has more or fewer cells than the header")
    columns: dict[str, Sequence[Any]] = dict.fromkeys(names, ())
    columns |= zip(names, zip(*cells, strict=True), strict=False)
    return columns


def check_levels(asked: StudyToml, runs: Mapping[str, Iterable[str]], path: Path) -> None:
    """Raises BadInput for a run with a level that the study does not have.

    runs: columns; `id`, the factors and, in a study with stages, the columns of stages are checked.
    """
    for name in [*(factor.name for factor in asked.factors), *asked.staging]:
        if name not in runs:
            raise BadInput(f"cannot read {path}: it has no column {name}")
    for factor in asked.factors:
        name, column = factor.name, runs.get(factor.name, ())
        strangers = set(column) - {"", *factor.levels}
        if strangers:
            id, level = next(x for x in zip(runs["id"], column, strict=True) if x[1] in strangers)
            raise BadInput(
                f"cannot read {path}: the run {id} has {name}={level!r}, which is no level of the "
                "study"
            )


def check_once(runs: Mapping[str, Sequence[Cell]], path: Path, cannot: str = "read") -> None:
    """Raises BadInput for a run that is listed twice, in one stage if the study has stages."""
    ids = runs["id"]
    keys = list(zip(ids, runs["stage"], strict=True)) if "stage" in runs else ids
    again = repeated(keys, range(2, len(ids) + 2))
    if again is not None:
        key, rows = again
        id, where = (key[0], f" of the stage {key[1]}") if isinstance(key, tuple) else (key, "")
        raise BadInput(
            f"cannot {cannot} {path}: {rows} are of one run, {id}{where}: keep one row per run"
        )

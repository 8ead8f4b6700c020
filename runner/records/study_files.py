"""A study's two files, study.toml and runs.csv: written as one, and checked when read.

study.toml carries the checksum of runs.csv and, in its last line, its own. Both are first written
into one file, `.pending`, which counts until both have been replaced: so a study is the old one or
the new one, wherever a writer is stopped.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from runner.records import durable
from runner.records.record import is_id
from runner.records.rows import Rows, uncollected
from tricks.errors import BadInput

ASKED, RUNS, PENDING = "study.toml", "runs.csv", ".pending"

_SUM = "runs_sha256"
_SEAL = re.compile(rb"# sha256 ([0-9a-f]{64})\n")


def _is_factor(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("name"), str)
        and isinstance(value.get("levels"), list)
        and all(isinstance(level, str) for level in value["levels"])
        and bool(value["levels"])
    )


# What every study.toml has, and how it must look.
_SHAPE: dict[str, Callable[[Any], bool]] = {
    "task": lambda value: isinstance(value, str),
    "grid": lambda value: isinstance(value, str),
    "factors": lambda value: (
        isinstance(value, list) and bool(value) and all(map(_is_factor, value))
    ),
}


class _Places(msgspec.Struct):
    """Where the last command that trained found what the study is of: to be told, never opened."""

    data: str = ""
    plugins: list[str] = []


class _Confirm(msgspec.Struct):
    """What a study that runs a winner again keeps of the study it is from."""

    study: str
    winner: dict[str, str]
    promised: dict[str, float] = {}


def _of(type: Any) -> Callable[[Any], bool]:
    """Whether a value is of a type, told by msgspec; numbers and texts stay apart."""

    def fits(value: Any) -> bool:
        try:
            msgspec.convert(value, type)
        except msgspec.ValidationError:
            return False
        return True

    return fits


_COUNT = _of(Annotated[int, msgspec.Meta(ge=0, le=10**15)])

# What only some have.
_OPTIONAL: dict[str, Callable[[Any], bool]] = {
    "name": _of(str),
    "seeds": _COUNT,
    "runs": _COUNT,
    "arms": _COUNT,
    "excluded": _COUNT,
    "looks": _COUNT,
    "tricks": _of(list[str]),
    "order": _of(list[str]),
    "reference": _of(dict[str, str]),
    "set": _of(dict[str, Any]),
    "settings": _of(dict[str, Any]),
    "sequential": _of(dict[str, Any]),
    "factor": _of(dict[str, list[Any]]),
    "levels": _of(dict[str, dict[str, str]]),
    "placebo": _of(bool),
    "placebo_level": _of(str),
    "control_seeds": _of(int | str),
    "until": _of(str),
    "confirm": _of(_Confirm),
    "places": _of(_Places),
    "tune": _of(
        Annotated[
            dict[str, Annotated[list[str], msgspec.Meta(min_length=1)]],
            msgspec.Meta(min_length=1, max_length=1),
        ]
    ),
    "tune_seeds": lambda value: isinstance(value, int) and value > 0,
}


def write_pair(folder: Path, asked: Mapping[str, Any], runs: bytes) -> None:
    """Write both files of the study in `folder`.

    Raises OSError: the study is then the old one, or the new one where it came as far as that.
    """
    toml = write_asked({_SUM: hashlib.sha256(runs).hexdigest(), **asked})
    toml += f"# sha256 {hashlib.sha256(toml).hexdigest()}\n".encode()
    pending = folder / PENDING
    durable.replace(pending, json.dumps([toml.decode(), runs.decode()]).encode())
    durable.replace(folder / RUNS, runs)
    durable.replace(folder / ASKED, toml)
    pending.unlink()


@uncollected()
def read_pair(folder: Path) -> tuple[dict[str, Any], Rows]:
    """What was asked for, and the runs. Raises BadInput that names the file, and what is wrong."""
    before = None
    while True:
        pair = toml, runs = _pair(folder)
        asked = _asked(toml, folder / ASKED)
        found = hashlib.sha256(runs).hexdigest()
        if asked.pop(_SUM, found) == found:
            columns = _runs(runs, folder / RUNS)
            check_levels(asked, columns, folder / RUNS)
            return asked, Rows(columns)
        if pair == before:  # not a writer between the one and the other
            raise BadInput(
                f"cannot read {folder / RUNS}: it is not what was written with {ASKED} (its "
                "checksum does not match)"
            )
        before = pair


def is_study(folder: Path) -> bool:
    """Whether `folder` holds a study, whole or in writing."""
    return (folder / ASKED).is_file() or (folder / PENDING).is_file()


def saved(folder: Path) -> str:
    """When the study in `folder` was saved, as ISO text; "" if it does not say. Raises BadInput."""
    in_writing = (folder / PENDING).exists()
    data = _pair(folder)[0] if in_writing else _bytes(folder / ASKED)
    return str(_toml(data, folder / ASKED).get("saved", ""))


def _pair(folder: Path) -> tuple[bytes, bytes]:
    """The bytes of both files: from `.pending`, if a writer has not come to its end."""
    try:
        pending = json.loads(durable.read(folder / PENDING))
        toml, runs = (text.encode() for text in pending)
    except FileNotFoundError:
        toml, runs = _bytes(folder / ASKED), _bytes(folder / RUNS)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"cannot read {folder / PENDING}: {error}") from error
    return toml, runs


def _bytes(path: Path) -> bytes:
    try:
        return durable.read(path)
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror or error}") from error


def write_asked(asked: Mapping[str, Any]) -> bytes:
    """study.toml; what is None is left out, since TOML has no word for it."""
    import tomli_w

    return tomli_w.dumps(without_none(asked)).encode()


def read_asked(path: Path) -> dict[str, Any]:
    """The content of a study.toml. Raises BadInput that names the file, and the key."""
    return _asked(_bytes(path), path)


def _asked(data: bytes, path: Path) -> dict[str, Any]:
    asked = _toml(data, path)
    for key, fits in {**_SHAPE, **_OPTIONAL}.items():
        if key not in asked and key in _OPTIONAL and not (key == "tune_seeds" and "tune" in asked):
            continue
        if key not in asked:
            raise BadInput(f"cannot read {path}: it has no {key}; was it cut?")
        if not fits(asked[key]):
            raise BadInput(f"cannot read {path}: {key} is not what a study has there")
    seal = _SEAL.fullmatch(data[-74:])
    if _SUM in asked and seal is None:
        raise BadInput(f"cannot read {path}: its last line, with its checksum, is missing")
    if seal is not None and hashlib.sha256(data[:-74]).hexdigest() != seal[1].decode():
        raise BadInput(f"cannot read {path}: it was changed (its checksum does not match)")
    return asked


def _toml(data: bytes, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise BadInput(f"cannot read {path}: {error}") from error


def write_runs(runs: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> bytes:
    """runs.csv: one line a run, of `StoredStudy.columns`."""
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
            raise ValueError("one of its ids is none")
        columns["seed"] = list(map(int, columns["seed"]))
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise BadInput(f"cannot read {path}: {error}") from error
    return columns


def _plain_cells(text: str) -> dict[str, Sequence[Any]] | None:
    """What `_cells` gives, three times as fast; None where only a CSV reader can tell.

    After id and seed come the levels, which many lines share: each such end is split once.
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


def check_levels(asked: Mapping[str, Any], runs: Mapping[str, Iterable[str]], path: Path) -> None:
    """Raises BadInput for a run at a level of a factor that the study does not have.

    runs: columns, of which `id` and the factors count, and of a tuned study those of its stages.
    """
    tune = asked.get("tune")
    for name in [f["name"] for f in asked["factors"]] + (["stage", *tune] if tune else []):
        if name not in runs:
            raise BadInput(f"cannot read {path}: it has no column {name}")
    for name, levels in ((factor["name"], factor["levels"]) for factor in asked["factors"]):
        column = runs.get(name, ())
        strangers = set(column) - {"", *levels}
        if strangers:
            id, level = next(x for x in zip(runs["id"], column, strict=True) if x[1] in strangers)
            raise BadInput(
                f"cannot read {path}: the run {id} has {name}={level!r}, which is no level of the "
                "study"
            )


def without_none(value: Any) -> Any:
    """`value` without what is None, down to its last list."""
    if isinstance(value, Mapping):
        return {str(k): without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [without_none(item) for item in value if item is not None]
    return value

"""What a study.toml says of its study, as a typed value; `study_files` reads and writes the file.

A key that the file does not have is None here, and what is None is not written: TOML has no word
for it, and a file from before a key was known is written again as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from re import search
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from runner.records.script_toml import Script
from tricks.errors import BadInput

Value = str | int | float | bool  # as TOML has it
Count = Annotated[int, Meta(ge=0, le=10**15)]
Seeds = Annotated[int, Meta(gt=0)]
Some = Annotated[tuple[str, ...], Meta(min_length=1)]


class StoredFactor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A factor: what it varies (trick, field, winner, ...), and its levels, reference first."""

    name: str
    kind: str | None = None
    levels: Some


class StoredConfirm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The winner of another study, run again beside the baseline on fresh seeds.

    study: its name. winner: factor -> level, where it is not the baseline's. promised: metric ->
    by how much the winner was better there, in pp.
    """

    study: str
    winner: dict[str, str]
    promised: dict[str, float] | None = None


class StoredLooks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The looks as planned: seeds of each arm at each, their level, and the tests that share it."""

    seeds: tuple[int, ...] | None = None
    level: float | None = None
    tests: int | None = None


class StoredEpochs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The epochs in which an arm takes the baseline's training time, once they are chosen.

    levels: factor -> level, where it is not the baseline's. ratio: seconds of an epoch over the
    baseline's, by `runs` of the arm's runs; low, high: its interval, None for a single run.
    """

    levels: dict[str, str]
    epochs: Annotated[int, Meta(gt=0, le=10**9)]
    ratio: Annotated[float, Meta(gt=0)]
    low: float | None = None
    high: float | None = None
    runs: Count | None = None


class Places(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the last command that trained found what the study is of: to be told, never opened."""

    data: str | None = None
    plugins: tuple[str, ...] | None = None


class StudyToml(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a study asked for and what it came to: the keys of study.toml, in the order written."""

    name: str | None = None
    task: str
    grid: str
    seeds: Count | None = None  # of each arm
    tricks: tuple[str, ...] | None = None
    factor: dict[str, tuple[Value, ...]] | None = None  # recipe field -> levels
    levels: dict[str, dict[str, str]] | None = None  # factor -> level -> its edits
    set: dict[str, Value] | None = None  # `--set`, by recipe field
    factors: Annotated[tuple[StoredFactor, ...], Meta(min_length=1)]
    settings: dict[str, Value] | None = None  # `--set`, as texts
    runs: Count | None = None  # of a fraction
    placebo_level: str | None = None
    control_seeds: int | str | None = None
    reference: dict[str, str] | None = None  # factor -> its "on" level
    order: tuple[str, ...] | None = None  # factors, first added first
    arms: Count | None = None
    excluded: Count | None = None  # arms that cannot be
    until: str | None = None
    looks: Count | None = None
    sequential: StoredLooks | None = None
    confirm: StoredConfirm | None = None
    # The field that each arm tunes -> the values that it tries.
    tune: Annotated[dict[str, Some], Meta(min_length=1, max_length=1)] | None = None
    tune_seeds: Seeds | None = None  # of each value
    equal: Literal["time"] | None = None  # what all arms also get the same of, beside epochs
    equal_epochs: tuple[StoredEpochs, ...] | None = None  # of the arms that have chosen
    check: bool | None = None  # whether it checks a baseline
    proxy: dict[str, str] | None = None  # of a quick study: setting -> in the full recipe
    script: Script | None = None  # that its runs call; None: they train recipes
    placebo: bool | None = None  # `placebo` and `layout`: of files that people write
    layout: str | None = None
    places: Places | None = None
    other: dict[str, Any] = {}  # keys that this version does not know

    def meant(self, metric: str) -> str:
        """The metric itself, or in the place of an accuracy that a script does not tell its own."""
        return self.script.main if self.script and metric == "accuracy" else metric

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of a study that is tuned or of equal time; none of others."""
        if self.tune:
            return ("fixed", "tuning", "tuned")
        return ("fixed", "equal-time") if self.equal else ()

    @property
    def staged(self) -> str | None:
        """The recipe field of which each arm has its own value at the last stage."""
        return next(iter(self.tune or {}), "epochs" if self.equal else None)

    @property
    def staging(self) -> list[str]:
        """The columns that only the runs of a study with stages have: stage, and that field."""
        return ["stage", self.staged] if self.staged else []

    def to_mapping(self) -> dict[str, Any]:
        """TOML values by key, without what is None."""
        return {**msgspec.to_builtins(replace(self, other={})), **self.other}


KEYS = frozenset(StudyToml.__struct_fields__) - {"other"}


def from_mapping(values: Mapping[str, Any]) -> StudyToml:
    """The inverse of `to_mapping`. Raises msgspec.ValidationError."""
    other = {key: value for key, value in values.items() if key not in KEYS}
    return msgspec.convert(
        {**{key: values[key] for key in values if key in KEYS}, "other": other}, StudyToml
    )


def checked(values: Mapping[str, Any], path: Path) -> StudyToml:
    """The TOML values in `path` as a study's. Raises BadInput that names the file and the key."""
    try:
        asked = from_mapping(values)
    except msgspec.ValidationError as error:
        key = search(r"missing required field `(\w+)`$", str(error))
        if key:
            raise BadInput(_lacks(path, key[1])) from error
        place = search(r"`\$\.(\w+)", str(error))
        what = place[1] if place else "something"
        raise BadInput(f"cannot read {path}: {what} is not what a study has there") from error
    if asked.tune and asked.tune_seeds is None:
        raise BadInput(_lacks(path, "tune_seeds"))
    return asked


def _lacks(path: Path, key: str) -> str:
    return f"cannot read {path}: it has no {key}; was it cut?"

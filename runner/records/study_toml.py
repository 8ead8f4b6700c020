"""The content of a study.toml as a typed value; `study_files` reads and writes the file.

A missing key is None here, and None is not written, since TOML has no null. So an older file
without a key is written again unchanged.
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

Value = str | int | float | bool  # values of TOML
Count = Annotated[int, Meta(ge=0, le=10**15)]
Seeds = Annotated[int, Meta(gt=0)]
Some = Annotated[tuple[str, ...], Meta(min_length=1)]


class StoredFactor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A factor: its kind (trick, field, winner, ...), and its levels, the reference first."""

    name: str
    kind: str | None = None
    levels: Some


class StoredConfirm(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The winner of another study, trained again on fresh seeds with the baseline.

    study: its name. winner: factor -> level, without the baseline's levels. promised: metric -> the
    winner's advantage in that study, in pp.
    """

    study: str
    winner: dict[str, str]
    promised: dict[str, float] | None = None


class StoredLooks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The planned looks: seeds of each arm at each look, their level, and tests that share it."""

    seeds: tuple[int, ...] | None = None
    level: float | None = None
    tests: int | None = None


class StoredEpochs(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The chosen epochs in which an arm takes the baseline's training time.

    levels: factor -> level, without the baseline's levels. ratio: seconds of an epoch relative to
    the baseline, from `runs` of the arm's runs. low, high: its interval, None for a single run.
    """

    levels: dict[str, str]
    epochs: Annotated[int, Meta(gt=0, le=10**9)]
    ratio: Annotated[float, Meta(gt=0)]
    low: float | None = None
    high: float | None = None
    runs: Count | None = None


class Places(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Places of images and plug-ins in the last training command: for messages, never opened."""

    data: str | None = None
    plugins: tuple[str, ...] | None = None


class StudyToml(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A study's request and resulting factors: the keys of study.toml, in the order written."""

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
    order: tuple[str, ...] | None = None  # factors, in the order in which they are added
    arms: Count | None = None
    excluded: Count | None = None  # impossible arms
    until: str | None = None
    looks: Count | None = None
    sequential: StoredLooks | None = None
    confirm: StoredConfirm | None = None
    # The tuned field -> its candidates.
    tune: Annotated[dict[str, Some], Meta(min_length=1, max_length=1)] | None = None
    tune_seeds: Seeds | None = None  # of each candidate
    equal: Literal["time"] | None = None  # the quantity that is made equal for all arms
    equal_epochs: tuple[StoredEpochs, ...] | None = None  # of the arms that have chosen
    check: bool | None = None  # whether it checks a baseline
    proxy: dict[str, str] | None = None  # of a quick study: setting -> value in the full recipe
    script: Script | None = None  # the script of its runs; None: they train recipes
    placebo: bool | None = None  # `placebo` and `layout`: only in files that people write
    layout: str | None = None
    places: Places | None = None
    other: dict[str, Any] = {}  # keys that this version does not know

    def meant(self, metric: str) -> str:
        """The metric itself; for an accuracy that a script lacks, the script's main metric."""
        return self.script.main if self.script and metric == "accuracy" else metric

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages of a tuned study or a study of equal time; () for other studies."""
        if self.tune:
            return ("fixed", "tuning", "tuned")
        return ("fixed", "equal-time") if self.equal else ()

    @property
    def staged(self) -> str | None:
        """The recipe field with one value per arm at the last stage; None without stages."""
        return next(iter(self.tune or {}), "epochs" if self.equal else None)

    @property
    def staging(self) -> list[str]:
        """The columns that only studies with stages have: stage, and this field."""
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
    """The TOML values of `path` as a StudyToml. Raises BadInput that names the file and the key."""
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
    return f"cannot read {path}: it has no {key}; restore the file"

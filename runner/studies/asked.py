"""The request for a study: a TOML file, the same keys as flags, or a study shipped in this folder.

```toml
task = "digits"                           # or folder: the images that --data names
grid = "full"
tricks = ["warmup", "mixup(alpha=0.4)"]   # without it: the standard bag; []: none
seeds = 3
[factor]
lr_scale = [0.5, 1, 2]
[levels.network]                          # a factor whose levels each make several edits
narrow = ""
wide = "width=0.25 + dropout(rate=0.2) + epochs=20"
[set]
epochs = 5
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from runner.designs.add_one import AddOne
from runner.designs.factor import PLACEBO
from runner.designs.field import Scalar
from runner.records.json_values import JsonValue
from runner.records.script_toml import Script
from runner.records.study_files import read_asked
from runner.records.study_toml import StoredConfirm, StudyToml
from tricks.errors import BadInput, unknown

FOLDER = Path(__file__).parent


class EngineKeys(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The table `[engine]`: where workers run. It does not change a run's id."""

    name: str = "local"
    jobs: int | None = None  # of a cluster
    slurm: dict[str, str | int | bool] = msgspec.field(default_factory=dict)  # as --slurm
    strict: bool = False  # refuse nodes with other versions
    address: str | None = None  # of a Ray cluster


class Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The keys of a study file. Nothing is checked here beyond types."""

    name: str = ""  # default: task-grid
    task: str = "digits"
    grid: str = AddOne.name
    tricks: list[str] | None = None  # None: the standard bag
    factor: dict[str, list[Scalar]] = msgspec.field(default_factory=dict)  # field -> levels
    # factor -> level -> its edits, joined by +; see runner.designs.levels
    levels: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    set: dict[str, Scalar] = msgspec.field(default_factory=dict)  # field -> value for all arms
    seeds: int | None = None  # of each arm; None: the grid's default
    runs: int | None = None  # of a fraction per seed; None: its default
    placebo: bool = False  # a factor whose true effect is zero
    placebo_level: str = (
        ""  # of a placebo within a factorial: "drawn", or "column" as in old studies
    )
    control_seeds: int | str | None = (
        None  # of the arm that all others are compared with, or "auto"
    )
    reference: dict[str, str] = msgspec.field(default_factory=dict)  # factor -> its "on" level
    layout: str = ""  # for the task `folder`: the required content of the folder
    order: list[str] = msgspec.field(default_factory=list)  # factors, first added first
    until: str = ""  # "decided" or "half-width=0.3": add seeds in planned looks until this holds
    looks: int | None = (
        None  # planned looks, 4 by default; then `seeds` is the maximum for each arm
    )
    confirm: StoredConfirm | None = None  # the winner that this study trains again
    # field -> candidates: each arm chooses its value on validation
    tune: dict[str, list[Scalar]] = msgspec.field(default_factory=dict)
    tune_seeds: int | None = None  # of each arm at each candidate; None: 2
    equal: str = ""  # "time": train each arm also for epochs that fit the baseline's time
    # of a quick study: setting -> its value in the full recipe; see `runner.studies.quick`
    proxy: dict[str, str] = msgspec.field(default_factory=dict)
    check: bool = False  # whether it checks a baseline, see `runner.studies.check`
    script: Script | None = None  # replaces task and tricks by a training script
    engine: str | EngineKeys = "local"  # where workers run


KEYS = Asked.__struct_fields__
COLUMN = "column"  # see `runner.designs.placebo`


def shipped() -> dict[str, Path]:
    """Studies that come with the package: name -> file."""
    return {file.stem: file for file in sorted(FOLDER.glob("*.toml"))}


def read(file: Path) -> Asked:
    """The study in a TOML file: one that people write, or study.toml of a store or an export.

    Raises BadInput that names the file and the key.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise BadInput(f"--study {file}: {error.strerror or error}") from error
    try:
        stored = "factors" in msgspec.toml.decode(text)  # what its runs came to
        found = None if stored else msgspec.toml.decode(text, type=Asked)
    except msgspec.ValidationError as error:
        raise BadInput(f"{file}: {_explain(str(error))}") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise BadInput(f"{file} is not TOML: {error}") from error
    except RecursionError as error:
        raise BadInput(f"{file} is not a study: it is nested too deeply") from error
    return from_stored(read_asked(file), file) if found is None else found


def from_keys(keys: Mapping[str, JsonValue], where: str) -> Asked:
    """The request in a mapping with a study file's keys. Raises BadInput that names the key."""
    try:
        return msgspec.convert(dict(keys), Asked)
    except msgspec.ValidationError as error:
        raise BadInput(f"{where}: {_explain(str(error))}") from error


def from_stored(asked: StudyToml, file: Path) -> Asked:
    """The request of a stored study, to run it again. file: where the store keeps `asked`.

    Raises BadInput that names the file and the key.
    """
    found = {k: v for k, v in asked.to_mapping().items() if k in KEYS}
    found["placebo_level"] = placebo_level(asked)
    return from_keys(found, str(file))


def placebo_level(stored: StudyToml) -> str:
    """How a stored factorial study gives its placebo levels; "" without a placebo.

    Old studies, in which the placebo was a column, do not say so.
    """
    if any(factor.name == PLACEBO for factor in stored.factors):
        return stored.placebo_level or COLUMN
    return ""


def _explain(message: str) -> str:
    key = re.search(r"unknown field `(.*?)`", message)
    if key and message.endswith("`$.engine`"):
        return f"engine: {unknown('key', key[1], EngineKeys.__struct_fields__)}"
    if key:
        return str(unknown("key", key[1], KEYS))
    place = re.search(r"^(.*) - at `\$\.?(.*)`$", message)
    return f"{place[2]}: {place[1][0].lower()}{place[1][1:]}" if place else message

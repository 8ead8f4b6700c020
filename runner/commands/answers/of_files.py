"""The JSON of commands about lists, recipes, models, files and stores."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

Object = dict[str, Any]
Number = float | None
Maybe = Object | None | UnsetType


class ListedTrick(msgspec.Struct, kw_only=True):
    """list tricks: one trick."""

    name: str
    group: str
    factor: str | None
    source: str
    parameters: Object
    standard: bool
    idea: str
    cost: Object


class Listed(msgspec.Struct, kw_only=True):
    """list tasks, grids, studies: one entry. diagnostics: of a grid, where factors are given."""

    name: str
    summary: str
    seeds: int | UnsetType = UNSET
    where: str | UnsetType = UNSET
    diagnostics: Maybe = UNSET
    reason: str | UnsetType | None = UNSET


class ShownTrick(ListedTrick, kw_only=True):
    """show TRICK: the trick's card."""

    version: int
    published: list[Object]


class ShownRecipe(msgspec.Struct, kw_only=True):
    """show baseline+TRICK: all fields, and the fields that differ from the baseline."""

    task: str
    recipe: Object
    changed: list[str]


class ShownImage(msgspec.Struct, kw_only=True):
    """show --image: the written picture."""

    image: str


class Recipe(msgspec.Struct, kw_only=True):
    """recipe: a recipe as text. cannot, differs: what timm's train.py lacks or does otherwise."""

    name: str
    task: str
    as_: str = msgspec.field(name="as")
    about: list[str]
    output: str | None
    text: str
    cannot: dict[str, str] | UnsetType = UNSET
    differs: dict[str, str] | UnsetType = UNSET


class Export(msgspec.Struct, kw_only=True):
    """export: runs in the file or folder. written: runs that were new or changed for a tracker."""

    study: str
    runs: int
    planned: int
    output: str
    to: str | UnsetType = UNSET
    written: int | UnsetType = UNSET


class Predict(msgspec.Struct, kw_only=True):
    """predict: the written CSV."""

    runs: list[str]
    images: int
    output: str
    notes: list[str]


class Evaluate(msgspec.Struct, kw_only=True):
    """evaluate: accuracy in per cent with its interval, accuracy by class, and confused classes."""

    runs: list[str]
    images: int
    accuracy: float
    ci_low: float
    ci_high: float
    loss: Number
    classes: list[Object]
    confused: list[Object]
    confusion: list[list[int]]
    notes: list[str]
    report: str | None


class Attention(msgspec.Struct, kw_only=True):
    """attention: the written picture."""

    run: str
    images: int
    image: str


class Merge(msgspec.Struct, kw_only=True):
    """merge: added runs, runs that were there already, and runs whose outcomes differ."""

    added: int
    same: int
    conflicts: list[str]
    studies: list[str]
    refused: list[str]


class Cancel(msgspec.Struct, kw_only=True):
    """cancel: the cancelled jobs on a cluster."""

    study: str
    cancelled: list[Object]


class Retry(msgspec.Struct, kw_only=True):
    """retry: failed runs that `run` trains again, and failed runs that another process holds."""

    study: str
    opened: int
    held: int


class Doctor(msgspec.Struct, kw_only=True):
    """doctor: versions, device, store, image caches. chosen: options for the processes of runs."""

    python: str
    cores: int
    device: str
    store: str
    plugins: list[str]
    chosen: Object
    engines: dict[str, str]  # "usable", or why not
    image_caches: list[Object]
    unpacked: list[Object]
    data_sets: list[Object]
    cleaned: bool
    usable: bool
    versions: Maybe = UNSET


class DoctorFolder(msgspec.Struct, kw_only=True):
    """doctor DIR: the problems of a store or an export."""

    folder: str
    kind: str
    healthy: bool
    counts: dict[str, int]
    problems: list[Object]
    notes: list[Object]

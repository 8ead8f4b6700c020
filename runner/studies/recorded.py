"""How many of a study's runs a store holds, and whether a study may go on under its name."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runner.records.store import Store
from runner.records.studies import load_study, study_names
from runner.studies.asked import placebo_level
from runner.studies.looks import check_plan
from runner.studies.membership import Membership, TooMany
from runner.studies.study import Study
from tricks.errors import BadInput

STANDARD = 64  # runs of a fraction of the standard bag
LISTED = 20_000  # runs: hashing more than these would take seconds


def recorded(
    study: Study, states: Mapping[str, str], read: Callable[[str], Mapping[str, Any] | None]
) -> int | None:
    """How many of the study's runs have a record that stands; none of its runs is listed.

    states: of all records in the store, by id; read: the record of an id. An infra record does not
    stand: it is tried again. None where the grid is too large and too entangled to tell.
    """
    standing = [id for id, state in states.items() if state != "infra"]
    if not standing:
        return 0
    try:
        membership = Membership(study)
    except TooMany:
        return None
    return sum(membership.count(record) for id in standing if (record := read(id)) is not None)


def placebo_of(name: str, results: Path) -> str:
    """How the placebo of the study `name` has its levels in the store; "" where there is none."""
    if not (results / "FORMAT").exists():
        return ""
    store = Store(results, create=False)
    return placebo_level(load_study(store, name).asked) if name in study_names(store) else ""


def check_extends(study: Study, stored: Mapping[str, Any]) -> None:
    """Raises BadInput if the study cannot go on where `stored`, of the same name, is.

    More seeds, arms, levels and factors extend a study. Another task, grid or setting, or fewer
    factors, would make its table mean two things.
    """
    asked = study.to_toml()
    way = "choose another name with --name"
    for key, flag in (("task", "--task"), ("grid", "--grid")):
        if stored.get(key) != asked[key]:
            raise BadInput(
                f"the study {study.name} has {flag} {stored.get(key)}, not {asked[key]}: {way}"
            )
    check_plan(study.name, stored, asked)
    if stored.get("confirm") != asked["confirm"]:
        raise BadInput(f"the study {study.name} confirms another winner: {way}")
    before, now = stored.get("settings", {}), asked["settings"]
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            held, new = (f"{name}={s[name]}" if name in s else "none" for s in (before, now))
            raise BadInput(f"the study {study.name} has --set {held}, not {new}: {way}")
    _check_tuning(study, stored, way)
    if study.design.one_array:
        _check_array(study, stored, asked, way)
    for key in ("reference", "order"):
        earlier = stored.get(key)
        if earlier and not _prefix(earlier, asked[key]):
            raise BadInput(f"the study {study.name} has another --{key}: {way}")
    for name, before in (stored.get("levels") or {}).items():
        for level, text in before.items():
            new = asked["levels"].get(name, {}).get(level, text)
            if new != text:
                raise BadInput(f"the study {study.name} has {name}={level} as {text!r}: {way}")
    levels = {factor["name"]: factor["levels"] for factor in asked["factors"]}
    for factor in stored.get("factors", []):
        name = factor["name"]
        missing = [level for level in factor["levels"] if level not in levels.get(name, [])]
        if missing:
            what = f"{name}={','.join(missing)}" if name in levels else name
            raise BadInput(f"the study {study.name} also has {what}: name it too, or {way}")
        if factor["levels"][0] != levels[name][0]:
            raise BadInput(
                f"the study {study.name} compares {name} with {factor['levels'][0]}, not with "
                f"{levels[name][0]}: {way}"
            )


def _check_tuning(study: Study, stored: Mapping[str, Any], way: str) -> None:
    """Raises BadInput if the study tunes another field, or over less, than it did."""
    before = stored.get("tune") or {}
    for field, values in before.items():
        tuning = study.tuning
        if tuning is None or tuning.field != field:
            new = f"not {tuning.field}" if tuning else "which is not asked for"
            raise BadInput(f"the study {study.name} has --tune {field}, {new}: {way}")
        missing = [value for value in values if value not in tuning.texts]
        if missing:
            what = f"--tune {field}={','.join(missing)}"
            raise BadInput(f"the study {study.name} also has {what}: name it too, or {way}")
        seeds = stored.get("tune_seeds", 1)
        if tuning.seeds < seeds:
            raise BadInput(
                f"the study {study.name} has --tune-seeds {seeds}, not {tuning.seeds}: more extend "
                f"it, fewer would leave runs out; or {way}"
            )


def _check_array(
    study: Study, stored: Mapping[str, Any], asked: Mapping[str, Any], way: str
) -> None:
    """Raises BadInput if the stored arms are of another array: two of them do not make a third."""
    before = stored.get("runs", STANDARD)  # studies were of this size before one could choose
    if study.design.takes_runs and before != asked["runs"]:
        raise BadInput(
            f"the study {study.name} has --runs {before}, not {asked['runs']}: more --seeds extend "
            f"it, or {way}"
        )
    levels = [[(f["name"], f["levels"]) for f in each["factors"]] for each in (stored, asked)]
    if levels[0] != levels[1]:
        names = ", ".join(name for name, _ in levels[0])
        raise BadInput(
            f"the study {study.name} is an array over {names}, in this order and with their "
            f"levels; other factors need another array: {way}"
        )


def _prefix(held: Any, new: Any) -> bool:
    """Whether `new` only adds to `held`, a list or a mapping."""
    if isinstance(held, Mapping):
        return all(new.get(key) == value for key, value in held.items())
    return list(itertools.islice(new, len(held))) == list(held)

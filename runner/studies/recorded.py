"""How many of a study's runs a store holds, and whether a study may go on under its name."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from runner.studies.looks import check_plan
from runner.studies.membership import Membership, TooMany
from runner.study import Study
from tricks.errors import BadInput

LISTED = 20_000  # runs: hashing more than these would take seconds


def recorded(
    study: Study, states: Mapping[str, str], read: Callable[[str], Mapping[str, Any] | None]
) -> int | None:
    """How many of the study's runs have a record that stands.

    states: of all records in the store, by id; read: the record of an id. An infra record does not
    stand: it is tried again. None where the grid is too large and too entangled to tell.
    """
    standing = [id for id, state in states.items() if state != "infra"]
    if not standing:
        return 0
    if study.runs <= LISTED:
        held = set(standing)
        return sum(spec.id in held for _, spec in study.planned())
    try:
        membership = Membership(study)
    except TooMany:
        return None
    return sum(membership.count(record) for id in standing if (record := read(id)) is not None)


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
    for key in ("reference", "order"):
        earlier = stored.get(key)
        if earlier and not _prefix(earlier, asked[key]):
            raise BadInput(f"the study {study.name} has another --{key}: {way}")
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


def _prefix(held: Any, new: Any) -> bool:
    """Whether `new` only adds to `held`, a list or a mapping."""
    if isinstance(held, Mapping):
        return all(new.get(key) == value for key, value in held.items())
    return list(itertools.islice(new, len(held))) == list(held)

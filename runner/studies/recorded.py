"""Count a study's recorded runs, and check whether a study may be extended under its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from runner.records.record_schema import Record
from runner.records.store import existing
from runner.records.studies import known_study
from runner.records.study_toml import StudyToml
from runner.studies.any_study import AnyStudy, S
from runner.studies.asked import placebo_level
from runner.studies.looks import check_looks
from runner.studies.membership import Membership, TooMany
from runner.studies.study import Study
from tricks.errors import BadInput

STANDARD = 64  # runs of the default fraction of the standard bag
LISTED = 20_000  # runs: hashing more would take seconds


def recorded(
    study: Study, states: Mapping[str, str], read: Callable[[str], Record | None]
) -> int | None:
    """The number of the study's runs with a valid record, without listing the runs.

    states: of all records in the store, by id; read: gives the record of an id. An infra record is
    not valid, as its run is tried again. None if the grid is too large and its factors share
    fields.
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
    """How the stored study `name` gives its placebo levels; "" without a study or placebo."""
    held = known_study(existing(results), name)
    return "" if held is None else placebo_level(held.asked)


def check_extends(study: AnyStudy[S], stored: StudyToml) -> None:
    """Raises BadInput if the study cannot extend `stored`, which has the same name.

    More seeds, arms, levels and factors extend a study. Another task, grid or setting, or fewer
    factors, would make its table mean two things.
    """
    asked = study.as_stored()
    way = "choose another name with --name"
    for held, new, flag in (
        (stored.task, asked.task, "--task"),
        (stored.grid, asked.grid, "--grid"),
    ):
        if held != new:
            raise BadInput(f"the study {study.name} has {flag} {held}, not {new}: {way}")
    _check_script(study.name, stored, asked, way)
    check_looks(study.name, stored, asked)
    if stored.confirm != asked.confirm:
        raise BadInput(f"the study {study.name} confirms another winner: {way}")
    if bool(stored.check) != study.check:
        raise BadInput(f"the study {study.name} is {'' if stored.check else 'not '}a check: {way}")
    before, now = stored.settings or {}, asked.settings or {}
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            was, told = (f"{name}={s[name]}" if name in s else "none" for s in (before, now))
            raise BadInput(f"the study {study.name} has --set {was}, not {told}: {way}")
    _check_tuning(study, stored, way)
    if study.design.one_array:
        _check_array(study, stored, asked, way)
    _check_levels(study.name, stored, asked, way)


def _check_script(name: str, stored: StudyToml, asked: StudyToml, way: str) -> None:
    """Raises BadInput if `asked` calls another script than the study `name` in the store."""
    before, now = stored.script, asked.script
    if before is None or now is None:
        if before is not now:
            raise BadInput(f"the study {name} is on {stored.task}, not on {asked.task}: {way}")
        return
    if before.digest != now.digest:
        raise BadInput(
            f"the files of the script have changed since the study {name} began, and a changed "
            f"script is another experiment: {way}"
        )
    for key in ("run", "shell", "config", "resume", "environment", "found", "parameters"):
        if getattr(before, key) != getattr(now, key):
            what = {"found": "metrics"}.get(key, key)
            raise BadInput(f"the study {name} has another script.{what}: {way}")


def _check_levels(name: str, stored: StudyToml, asked: StudyToml, way: str) -> None:
    """Raises BadInput if `asked` lacks a level of the study `name`, or defines it differently."""
    references, order = stored.reference or {}, stored.order or ()
    if not references.items() <= (asked.reference or {}).items():
        raise BadInput(f"the study {name} has another --reference: {way}")
    if (asked.order or ())[: len(order)] != order:
        raise BadInput(f"the study {name} has another --order: {way}")
    meant = asked.levels or {}
    for own, texts in (stored.levels or {}).items():
        for level, text in texts.items():
            if meant.get(own, {}).get(level, text) != text:
                raise BadInput(f"the study {name} has {own}={level} as {text!r}: {way}")
    levels = {factor.name: factor.levels for factor in asked.factors}
    for factor in stored.factors:
        own = factor.name
        missing = [level for level in factor.levels if level not in levels.get(own, ())]
        if missing:
            what = f"{own}={','.join(missing)}" if own in levels else own
            raise BadInput(f"the study {name} also has {what}: name it too, or {way}")
        if factor.levels[0] != levels[own][0]:
            raise BadInput(
                f"the study {name} compares {own} with {factor.levels[0]}, not with "
                f"{levels[own][0]}: {way}"
            )


def _check_tuning(study: AnyStudy[S], stored: StudyToml, way: str) -> None:
    """Raises BadInput if the study tunes another field, or fewer candidates, than before."""
    for given, now in (("--tune", stored.tune), ("--equal time", stored.equal)):
        other = study.equal_time if given == "--tune" else study.tuning is not None
        if now and other:
            raise BadInput(f"the study {study.name} has {given}, not both: {way}")
    if stored.equal and not study.equal_time:
        raise BadInput(f"the study {study.name} has --equal {stored.equal}: give it too, or {way}")
    for field, values in (stored.tune or {}).items():
        tuning = study.tuning
        if tuning is None or tuning.field != field:
            new = f"not {tuning.field}" if tuning else "which is not asked for"
            raise BadInput(f"the study {study.name} has --tune {field}, {new}: {way}")
        missing = [value for value in values if value not in tuning.texts]
        if missing:
            what = f"--tune {field}={','.join(missing)}"
            raise BadInput(f"the study {study.name} also has {what}: name it too, or {way}")
        seeds = stored.tune_seeds or 1
        if tuning.seeds < seeds:
            raise BadInput(
                f"the study {study.name} has --tune-seeds {seeds}, not {tuning.seeds}: give at "
                f"least {seeds}, or {way}"
            )


def _check_array(study: AnyStudy[S], stored: StudyToml, asked: StudyToml, way: str) -> None:
    """Raises BadInput if the stored arms are of another array: two arrays cannot be joined."""
    # The size of all fractions before --runs existed.
    before = STANDARD if stored.runs is None else stored.runs
    if study.design.takes_runs and before != asked.runs:
        raise BadInput(
            f"the study {study.name} has --runs {before}, not {asked.runs}: more --seeds extend "
            f"it, or {way}"
        )
    held, new = ([(f.name, f.levels) for f in each.factors] for each in (stored, asked))
    if held != new:
        names = ", ".join(name for name, _ in held)
        raise BadInput(
            f"the study {study.name} is an array over {names}, in this order and with their "
            f"levels; other factors need another array: {way}"
        )

"""The check of a baseline as a study: build it for a study, and find it again."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from typing import TYPE_CHECKING

from runner.designs.add_one import AddOne
from runner.designs.field import field_text, with_fields
from runner.studies.asked import Asked
from runner.studies.check_design import FACTORS, SEEDS
from runner.studies.study import Study, build
from runner.text import counted
from tricks.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.designs.field import Scalar
    from runner.records.study_toml import StudyToml

RATES = (0.25, 0.5, 2, 4)  # multiples of the baseline's rate
SUFFIX = "-check"


def checking(study: Study, name: str, seeds: int | None = None) -> Asked:
    """The study that checks the baseline of `study`: its task, settings, reference levels.

    Raises BadInput if a reference level of the study holds tricks: then settings alone do not
    describe its baseline.
    """
    settings: dict[str, Scalar] = dict(study.settings)
    held = study.baseline
    for factor in study.factors:
        if factor.kind == "levels" and factor.levels[0].tricks:
            raise BadInput(
                f"the reference {factor.name}={factor.levels[0].name} holds tricks, which a "
                "check cannot have: check the baseline without them, with --task and --set"
            )
        if factor.kind in ("field", "levels"):
            fields = dict(factor.levels[0].fields)
            held = with_fields(held, fields)
            settings |= {field: field_text(value) for field, value in fields.items()}
    for own in FACTORS:  # the check's factors set these fields
        if getattr(held, own) == getattr(study.task.baseline, own):
            settings.pop(own, None)
    rate = held.lr_scale
    return Asked(
        name=name,
        task=study.task.name,
        grid=AddOne.name,
        tricks=[],
        factor={
            "lr_scale": [rate, *(rate * times for times in RATES)],
            "epochs": [held.epochs, 2 * held.epochs],
        },
        set=settings,
        seeds=SEEDS if seeds is None else seeds,
        check=True,
    )


def check_of(study: Study, named: bool, name: str | None = None, seeds: int | None = None) -> Study:
    """The check of the baseline of `study`.

    Its name is `name`; by default it is named by the study, if that has its own name (`named`),
    else by task and settings. The check of a check is the check itself. seeds: of the baseline;
    None: `SEEDS`.
    """
    if study.check:
        return study if seeds is None else dataclasses.replace(study, seeds=seeds)
    own = f"{study.name}{SUFFIX}" if named else check_name(study.task.name, study.settings)
    found = build(checking(study, name or own, seeds), study.data)
    rates = found.design.times((1, 0), found.seeds)
    note = (
        f"each other learning rate gets {counted(rates, 'seed')}; no other study uses these seeds"
    )
    return dataclasses.replace(found, notes=(*found.notes, note))


def check_name(task: str, settings: Mapping[str, Scalar]) -> str:
    """The check's name from its baseline: the task, and the settings if there are any."""
    parts = [task.rstrip("/").rpartition("/")[2] if ":" in task else task]
    parts += [f"{name}-{value}" for name, value in sorted(settings.items())]
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", "-".join(parts)).strip("-._") or "baseline"
    if len(slug) > 60:
        slug = f"{slug[:50].strip('-._')}-{hashlib.sha256(slug.encode()).hexdigest()[:8]}"
    return f"{slug}{SUFFIX}"


def same_baseline(check: StudyToml, asked: StudyToml) -> bool:
    """Whether `check` is a check of the baseline of the study `asked`."""
    if not check.check or check.task != asked.task:
        return False
    mine, its = _baseline(asked), _baseline(check)
    stated = {name: its[name] for name in check.settings or {}}
    return stated.items() <= mine.items() and all(its.get(k) == v for k, v in mine.items())


def _baseline(asked: StudyToml) -> dict[str, str]:
    """The recipe fields that a study sets for its baseline, as texts."""
    fields = {f.name: f.levels[0] for f in asked.factors if f.kind == "field"}
    for factor in asked.factors:
        text = ((asked.levels or {}).get(factor.name) or {}).get(factor.levels[0], "")
        for name, equals, value in (part.partition("=") for part in text.split("+")):
            if equals:
                fields[name.strip()] = value.strip()
    return {**{name: str(value) for name, value in (asked.settings or {}).items()}, **fields}

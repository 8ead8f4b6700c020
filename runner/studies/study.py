"""Study: task, factors, design and seeds under a name, from what was asked for. Torch-free."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from runner.designs import registry as designs
from runner.designs.design import AUTO
from runner.designs.factor import (
    PLACEBO,
    Arm,
    Factor,
    arm_levels,
    asked_names,
    compose_levels,
    field_factor,
    level_names,
    standard_bag,
    trick_factors,
)
from runner.designs.field import FieldValue, field_text, with_fields
from runner.designs.levels import level_factor
from runner.designs.placebo import DRAWN
from runner.records.spec import RunSpec
from runner.records.studies import NAME_RULE, is_name
from runner.records.study_toml import StoredConfirm, StoredFactor, StudyToml
from runner.studies import equal_time
from runner.studies.asked import Asked
from runner.studies.check_design import check_design
from runner.studies.confirm import winner_design
from runner.studies.looks import Looks, asked_looks, default_seeds
from runner.studies.notes import design_notes
from runner.studies.settings import setting_text, settle
from runner.studies.tuning import Tuning, asked_tuning, check_acts
from runner.tasks import registry as tasks
from runner.tasks.shares import divided
from runner.tasks.task import DATA, Task
from tricks.bag import parse
from tricks.errors import BadInput, TrickConflict
from tricks.recipe import Recipe, resolve
from tricks.trick import Trick, compose

if TYPE_CHECKING:
    from runner.images.listed import Listed
    from runner.records.spec import Fingerprint


@dataclass(frozen=True)
class Study:
    """What will be trained, and why.

    baseline: the task's recipe with the study's settings, not yet resolved.
    settings: `--set` as texts. tricks: as texts. fields: `--factor` as texts.
    levels: factor -> level -> its edits, of factors whose levels make several.
    notes: lines that the user should see before anything is trained.
    looks: of a sequential study, whose `seeds` are the most of each arm.
    confirm: whose winner is run again. check: whether it checks a baseline. equal_time: whether
    each arm also gets the baseline's training time. proxy: of a quick study, see `Asked`.
    """

    name: str
    task: Task
    design: designs.Design
    seeds: int
    baseline: Recipe
    tricks: tuple[str, ...] = ()
    fields: Mapping[str, list[str]] = dataclasses.field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    train_images: int | None = None
    data: Path | None = None
    notes: tuple[str, ...] = ()
    tuning: Tuning | None = None
    looks: Looks | None = None
    confirm: StoredConfirm | None = None
    check: bool = False
    equal_time: bool = False
    proxy: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def staged(self) -> str:
        """The field of which each arm has its own value at the last stage; "" without stages."""
        if self.equal_time:
            return equal_time.FIELD
        return self.tuning.field if self.tuning else ""

    @property
    def factors(self) -> Sequence[Factor]:
        return self.design.factors

    @property
    def grid(self) -> str:
        return self.design.name

    @property
    def runs(self) -> int:
        """Arms times seeds, where no arm has seeds of another number."""
        return self.design.total(self.seeds)

    @property
    def data_folder(self) -> Path:
        """Where the task's images are."""
        return self.data or DATA

    @cached_property
    def identity(self) -> Fingerprint:
        """What identifies the task's images. Raises BadInput where they are missing or broken."""
        return self.task.identity(self.data, self.train_images)

    @cached_property
    def found(self) -> Listed | None:
        """The images and how they were read, where they are the user's own; else None."""
        return self.task.found() if self.task.found else None

    def recipe(self, arm: Arm, changes: Mapping[str, FieldValue] | None = None) -> Recipe:
        """The composed and resolved recipe of `arm`, with `changes` in the baseline's fields."""
        baseline = with_fields(self.baseline, changes or {})
        composed = compose_levels(baseline, arm_levels(self.factors, arm))
        return resolve(composed, self.task.learning_rates)

    def spec(self, arm: Arm, seed: int, changes: Mapping[str, FieldValue] | None = None) -> RunSpec:
        """The run of `arm` with `seed`, with `changes` in the baseline's fields."""
        own = {k: v for k, v in (changes or {}).items() if v != getattr(self.baseline, k)}
        names = [f"{name}={field_text(value)}" for name, value in own.items()]
        asked = (*asked_names(self.factors, arm), *names)
        return RunSpec(self.identity, self.recipe(arm, own), seed, asked)

    def planned(self) -> Iterator[tuple[Arm, RunSpec]]:
        """Every run, the whole design once before any of it again."""
        for arm, seed in self.design.runs(self.seeds):
            yield arm, self.spec(arm, seed)

    def row(self, arm: Arm, spec: RunSpec) -> dict[str, str | int]:
        """A run as the study's table lists it: id, seed, and a level name for each factor."""
        return {"id": spec.id, "seed": spec.seed, **level_names(self.factors, arm)}

    def as_stored(self) -> StudyToml:
        """What was asked for and what it came to, as a store keeps it."""
        on = {f.name: f.levels[i].name for f, i in zip(self.factors, self.design.on, strict=False)}
        names = [factor.name for factor in self.factors]
        looks, tuning = self.looks, self.tuning
        return StudyToml(
            name=self.name,
            task=self.task.name,
            grid=self.grid,
            seeds=looks.seeds[-1] if looks else self.seeds,
            tricks=self.tricks,
            factor={name: tuple(values) for name, values in self.fields.items()},
            levels={name: dict(texts) for name, texts in self.levels.items()},
            set=dict(self.settings),
            factors=tuple(_stored(factor) for factor in self.factors),
            settings=dict(self.settings),
            runs=self.design.count if self.design.takes_runs else None,
            placebo_level=None if self.design.turning is None else DRAWN,
            control_seeds="auto" if self.design.control == AUTO else self.design.control,
            reference=on,
            order=tuple(names[i] for i in self.design.order),
            arms=self.design.count,
            excluded=self.design.excluded,
            until=looks.until if looks else None,
            looks=looks.asked if looks else None,
            sequential=looks.as_stored() if looks else None,
            confirm=self.confirm,
            tune={tuning.field: tuple(tuning.texts)} if tuning else None,
            tune_seeds=tuning.seeds if tuning else None,
            equal="time" if self.equal_time else None,
            check=self.check or None,
            proxy=dict(self.proxy) or None,
        )


def build(asked: Asked, data: Path | None = None) -> Study:
    """The study that `asked` describes, with the task's images under the folder `data`.

    Raises BadInput for anything in it that cannot be; images are not looked at yet.
    """
    name = study_name(asked)
    cls = designs.find(asked.grid)
    task = tasks.find(asked.task)
    seeds = default_seeds(asked, cls) if asked.seeds is None else asked.seeds
    if seeds < 1:
        raise BadInput(f"--seeds must be at least 1, not {seeds}")
    looks = asked_looks(asked, seeds)
    task = divided(task, asked.set)
    baseline, train_images = settle(task.baseline, asked.set)
    tricks, notes = _chosen(asked.tricks, baseline)
    if asked.placebo and not any(trick.name == PLACEBO for trick in tricks):
        tricks = (*tricks, parse(PLACEBO))
    factors = trick_factors(tricks, baseline)
    factors += [field_factor(name, values, baseline) for name, values in asked.factor.items()]
    for own, texts in asked.levels.items():
        levelled, said = level_factor(own, texts, baseline)
        factors += [levelled] if levelled else []
        notes += said
    names = [factor.name for factor in factors]
    for factor in names:
        if names.count(factor) > 1:
            raise BadInput(f"{factor} would be varied twice: by --tricks and by --factor")
    design = designs.make(
        asked.grid, factors, baseline, asked.reference, asked.order,
        asked.runs, control_seeds(asked.control_seeds, seeds),
    )  # fmt: skip
    if asked.placebo_level not in ("", design.placebo_level):
        design = dataclasses.replace(design, placebo_level=asked.placebo_level)
    if asked.confirm:
        design = winner_design(asked.confirm, factors)
    if asked.check:
        design = check_design(factors)
    study = Study(
        name=name,
        task=task,
        design=design,
        seeds=seeds,
        baseline=baseline,
        tricks=tuple(str(trick) for trick in tricks),
        fields={f.name: [level.name for level in f.levels] for f in factors if f.kind == "field"},
        levels=asked.levels,
        settings={name: setting_text(name, baseline, train_images, task) for name in asked.set},
        train_images=train_images,
        data=data,
        notes=(*notes, *design_notes(design, factors, seeds)),
        tuning=asked_tuning(asked, baseline, factors),
        looks=looks,
        confirm=asked.confirm,
        check=asked.check,
        equal_time=equal_time.asked_equal_time(asked, factors),
        proxy=asked.proxy,
    )
    _resolvable(study)
    equal_time.check_base(study)
    check_acts(study)
    return study


def control_seeds(asked: int | str | None, seeds: int) -> int | None:
    """`--control-seeds` as Design.control. Raises BadInput for fewer than `seeds`, or no number."""
    if asked is None or asked == "auto":
        return None if asked is None else AUTO
    if not str(asked).isdecimal():
        raise BadInput(f"--control-seeds {asked}: give a number, or auto (√k times --seeds)")
    if int(asked) < seeds:
        raise BadInput(
            f"--control-seeds must be at least --seeds, {seeds}, not {asked}: say more, or none"
        )
    return int(asked)


def study_name(asked: Asked) -> str:
    """The name given, or task-grid. Raises BadInput for one that is no safe folder name."""
    if not asked.name:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{asked.task}-{asked.grid}").strip("-._")
        if not is_name(name):
            raise BadInput(f"the study needs a shorter name than {name[:40]}...: give --name")
        return name
    if not is_name(asked.name):
        short = asked.name if len(asked.name) <= 40 else f"{asked.name[:40]}..."
        raise BadInput(f"--name {short!r}: use {NAME_RULE}")
    return asked.name


def _stored(factor: Factor) -> StoredFactor:
    levels = tuple(level.name for level in factor.levels)
    return StoredFactor(name=factor.name, kind=factor.kind, levels=levels)


def _chosen(texts: list[str] | None, baseline: Recipe) -> tuple[tuple[Trick, ...], list[str]]:
    """The tricks named, or those of the standard bag that the baseline can take, with notes."""
    if texts is not None:
        return tuple(parse(text) for text in texts), []
    tricks, notes = [], []
    for trick in standard_bag():
        try:
            compose(baseline, [trick])
        except TrickConflict as error:
            notes.append(f"left out of the standard bag: {error}")
        else:
            tricks.append(trick)
    return tuple(tricks), notes


def _resolvable(study: Study) -> None:
    """Raises BadInput if some level cannot be resolved on the task, before anything is trained."""
    size = len(study.factors)
    for i, factor in enumerate(study.factors):
        for level in range(len(factor.levels)):
            arm = (*(0,) * i, level, *(0,) * (size - i - 1))
            if study.design.conflicts.allows(arm):
                study.recipe(arm)

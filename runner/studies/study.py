"""Study: task, factors, design and seeds under a name. Torch-free."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from runner.designs import registry as designs
from runner.designs.add_one import AddOne
from runner.designs.factor import (
    PLACEBO,
    Arm,
    arm_levels,
    asked_names,
    compose_levels,
    field_factor,
    standard_bag,
    trick_factors,
)
from runner.designs.field import FieldValue, field_text, with_fields
from runner.designs.levels import level_factor
from runner.records.spec import RunSpec
from runner.records.study_toml import StudyToml
from runner.studies import equal_time
from runner.studies.any_study import AnyStudy
from runner.studies.asked import Asked
from runner.studies.check_design import check_design
from runner.studies.confirm import winner_design
from runner.studies.looks import asked_looks, asked_seeds
from runner.studies.notes import design_notes
from runner.studies.seeds import control_seeds
from runner.studies.settings import setting_text, settle
from runner.studies.study_name import study_name
from runner.studies.tuning import asked_tuning, check_acts
from runner.tasks import registry as tasks
from runner.tasks.split_shares import divided
from runner.tasks.task import DATA, Task
from tricks.bag import parse
from tricks.errors import BadInput, TrickConflict
from tricks.recipe import Recipe, resolve
from tricks.trick import Trick, compose

if TYPE_CHECKING:
    from runner.images.listed import Listed
    from runner.records.spec import Fingerprint


@dataclass(frozen=True, kw_only=True)
class Study(AnyStudy[RunSpec]):
    """A study of recipes on a task's images.

    baseline: the task's recipe with the study's settings, not yet resolved. tricks: as texts.
    """

    task: Task
    baseline: Recipe
    tricks: tuple[str, ...] = ()
    train_images: int | None = None

    @property
    def epochs(self) -> int:
        return self.baseline.epochs

    @property
    def task_name(self) -> str:
        return self.task.name

    @property
    def data_folder(self) -> Path:
        """The folder of the task's images."""
        return self.data or DATA

    @cached_property
    def identity(self) -> Fingerprint:
        """The identity of the task's images. Raises BadInput if images are missing or broken."""
        return self.task.identity(self.data, self.train_images)

    @cached_property
    def found(self) -> Listed | None:
        """The user's own images and how they were read; None for other tasks."""
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

    def as_stored(self) -> StudyToml:
        """The request and the resulting factors and runs, for study.toml."""
        return structs.replace(super().as_stored(), tricks=self.tricks)


def build(asked: Asked, data: Path | None = None) -> Study:
    """The study that `asked` describes, with the task's images under the folder `data`.

    Raises BadInput for a request that is impossible. Images are not read yet.
    """
    if asked.script is not None:
        raise BadInput("a study of a script has no recipes: use `run`, `report` and `analyze`")
    name = study_name(asked)
    cls = designs.find(asked.grid)
    task = tasks.find(asked.task)
    seeds = asked_seeds(asked, cls)
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
            raise BadInput(
                f"{factor} would be varied twice, by --tricks and by --factor: leave out one"
            )
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


def _chosen(texts: list[str] | None, baseline: Recipe) -> tuple[tuple[Trick, ...], list[str]]:
    """The named tricks, or the tricks of the standard bag that fit the baseline; and notes."""
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
    """Raises BadInput if some level cannot be resolved on the task."""
    for arm in AddOne(study.factors, study.design.conflicts):
        study.recipe(arm)

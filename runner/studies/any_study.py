"""AnyStudy: arms, seeds and a name, for any kind of run. Torch-free."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from runner.designs import registry as designs
from runner.designs.design import AUTO
from runner.designs.factor import Arm, Factor, level_names
from runner.designs.field import FieldValue
from runner.designs.placebo import DRAWN
from runner.records.run import Spec
from runner.records.study_toml import StoredConfirm, StoredFactor, StudyToml
from runner.studies.looks import Looks
from runner.studies.tuning_budget import Tuning

if TYPE_CHECKING:
    from runner.images.listed import Listed
    from runner.records.spec import Fingerprint

S = TypeVar("S", bound=Spec, covariant=True)


@dataclass(frozen=True, kw_only=True)
class AnyStudy(Generic[S]):
    """The runs to train, as arms and seeds. `S` is the type of a run's specification.

    fields: `--factor` as texts. levels: factor -> level -> its edits, for factors whose levels make
    several edits. settings: `--set` as texts. data: the folder of `--data`. notes: lines for the
    user before anything is trained. looks: of a sequential study, where `seeds` is the maximum for
    each arm. confirm: the winner that is trained again. check: whether the study checks a baseline.
    equal_time: whether each arm also gets the baseline's training time, in a study of recipes.
    proxy: of a quick study, see `Asked`.
    """

    name: str
    design: designs.Design
    seeds: int
    fields: Mapping[str, list[str]] = dataclasses.field(default_factory=dict)
    levels: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)
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
        """The field with a value for each arm at the last stage; "" without stages."""
        if self.equal_time:
            return "epochs"
        return self.tuning.field if self.tuning else ""

    @property
    def factors(self) -> Sequence[Factor]:
        return self.design.factors

    @property
    def grid(self) -> str:
        return self.design.name

    @property
    def runs(self) -> int:
        """The number of runs: arms times seeds, unless some arm has another number of seeds."""
        return self.design.total(self.seeds)

    @property
    def task_name(self) -> str:
        """The name of the task in study.toml."""
        raise NotImplementedError

    @property
    def epochs(self) -> int:
        """The baseline's epochs."""
        raise NotImplementedError

    @property
    def pilot(self) -> str:
        """The command or study that would measure the run-to-run sd, if no study has done so."""
        return "`tricks-bench check`"

    @property
    def found(self) -> Listed | None:
        """The user's own images and how they were read; None for other tasks."""
        return None

    @cached_property
    def identity(self) -> Fingerprint:
        """The part of the identity that all runs share. Raises BadInput if its data are missing."""
        raise NotImplementedError

    def spec(self, arm: Arm, seed: int, changes: Mapping[str, FieldValue] | None = None) -> S:
        """The run of `arm` with `seed`, with `changes` of the baseline in all arms."""
        raise NotImplementedError

    def planned(self) -> Iterator[tuple[Arm, S]]:
        """Every run: the whole design with the first seed, then with the next."""
        for arm, seed in self.design.runs(self.seeds):
            yield arm, self.spec(arm, seed)

    def row(self, arm: Arm, spec: Spec) -> dict[str, str | int]:
        """A run as the study's table lists it: id, seed, and a level name for each factor."""
        return {"id": spec.id, "seed": spec.seed, **level_names(self.factors, arm)}

    def as_stored(self) -> StudyToml:
        """The request and the resulting factors and runs, for study.toml."""
        on = {f.name: f.levels[i].name for f, i in zip(self.factors, self.design.on, strict=False)}
        names = [factor.name for factor in self.factors]
        looks, tuning = self.looks, self.tuning
        return StudyToml(
            name=self.name,
            task=self.task_name,
            grid=self.grid,
            seeds=looks.seeds[-1] if looks else self.seeds,
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


def _stored(factor: Factor) -> StoredFactor:
    levels = tuple(level.name for level in factor.levels)
    return StoredFactor(name=factor.name, kind=factor.kind, levels=levels)

"""AnyStudy: arms, seeds and a name, whichever kind of run answers it. Torch-free."""

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
    """What will be trained, and why; `S` is what a run of it is.

    fields: `--factor` as texts. levels: factor -> level -> its edits, of factors whose levels make
    several. settings: `--set` as texts. data: the folder of `--data`. notes: lines that the user
    should see before anything is trained. looks: of a sequential study, whose `seeds` are the most
    of each arm. confirm: whose winner is run again. check: whether it checks a baseline.
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
        """The field of which each arm has its own value at the last stage; "" without stages."""
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
        """Arms times seeds, where no arm has seeds of another number."""
        return self.design.total(self.seeds)

    @property
    def task_name(self) -> str:
        """What is trained, as a study.toml names it."""
        raise NotImplementedError

    @property
    def epochs(self) -> int:
        """The baseline's, of a study of recipes."""
        raise NotImplementedError

    @property
    def pilot(self) -> str:
        """What tells the run-to-run sd where no study does yet."""
        return "`tricks-bench check`"

    @property
    def found(self) -> Listed | None:
        """The user's own images and how they were read; None where there are none."""
        return None

    @cached_property
    def identity(self) -> Fingerprint:
        """What all runs share of what decides them. Raises BadInput where it is not there."""
        raise NotImplementedError

    def spec(self, arm: Arm, seed: int, changes: Mapping[str, FieldValue] | None = None) -> S:
        """The run of `arm` with `seed`, with `changes` of the baseline in all arms."""
        raise NotImplementedError

    def planned(self) -> Iterator[tuple[Arm, S]]:
        """Every run, the whole design once before any of it again."""
        for arm, seed in self.design.runs(self.seeds):
            yield arm, self.spec(arm, seed)

    def row(self, arm: Arm, spec: Spec) -> dict[str, str | int]:
        """A run as the study's table lists it: id, seed, and a level name for each factor."""
        return {"id": spec.id, "seed": spec.seed, **level_names(self.factors, arm)}

    def as_stored(self) -> StudyToml:
        """What was asked for and what it came to, as a store keeps it."""
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

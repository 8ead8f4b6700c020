"""Find the records of a grid that is too large to list: from each record back to its arm."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from runner.designs.conflicts import linked
from runner.designs.factor import Arm, touched
from runner.records.json_values import JsonValue, canonical_text
from runner.records.record_schema import Record
from runner.studies.study import Study
from tricks.errors import BadInput
from tricks.recipe import FIELDS, Recipe, to_json

# Fields that depend on each other when a recipe is resolved.
COUPLED = (
    ("optimizer", "lr_scale"), ("optimizer", "lr_batch"), ("optimizer", "batch_size"),
    ("optimizer", "decay"), ("model", "width"),
)  # fmt: skip
MOST_COMBINATIONS = 20_000  # combinations to list for factors that act on the same fields


class Membership:
    """Looks up the planned runs of a record.

    Factors that act on the same recipe fields form a set. The field values of all combinations of a
    set are listed once, so that a record's fields identify its levels.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.texts: dict[str, str] = {}  # most records repeat earlier values
        self.defaults = to_json(Recipe())
        self.baseline = to_json(study.recipe((0,) * len(study.factors)))
        self.parts = [self._part(members, fields) for members, fields in _parts(study)]
        acted = {name for fields, _ in self.parts for name in fields}
        self.untouched = [name for name in FIELDS if name not in acted]
        self.fixed = self._of(self.baseline, self.untouched)

    def count(self, record: Record) -> int:
        """The number of planned runs that `record` belongs to: nearly always 0 or 1."""
        data = self.study.identity
        if record.data != data and canonical_text(record.data) != canonical_text(data):
            return 0
        recipe = {**self.defaults, **(record.recipe.values if record.recipe else {})}
        if self._of(recipe, self.untouched) != self.fixed:
            return 0
        choices = [
            combinations.get(self._of(recipe, fields), []) for fields, combinations in self.parts
        ]
        study, found = self.study, 0
        for chosen in itertools.product(*choices):
            arm = [0] * len(study.factors)
            for place, level in itertools.chain.from_iterable(chosen):
                arm[place] = level
            if study.design.contains(tuple(arm)):
                found += self._runs(tuple(arm), record)
        return found

    def _runs(self, arm: Arm, record: Record) -> int:
        study, seed = self.study, record.seed
        if seed is None:
            return 0
        times = study.design.seeds(arm, study.seeds).count(seed)
        return times if times and study.spec(arm, seed).id == record.id else 0

    def _part(
        self, members: Sequence[int], fields: Sequence[str]
    ) -> tuple[Sequence[str], dict[str, list[tuple[tuple[int, int], ...]]]]:
        """The values of `fields` for each combination of the factors `members`."""
        study = self.study
        ranges = [range(len(study.factors[i].levels)) for i in members]
        if math.prod(map(len, ranges)) > MOST_COMBINATIONS:
            raise TooMany
        found: dict[str, list[tuple[tuple[int, int], ...]]] = {}
        for levels in itertools.product(*ranges):
            arm = [0] * len(study.factors)
            for i, level in zip(members, levels, strict=True):
                arm[i] = level
            try:
                recipe = to_json(study.recipe(tuple(arm)))
            except BadInput:
                continue
            found.setdefault(self._of(recipe, fields), []).append(
                tuple(zip(members, levels, strict=True))
            )
        return fields, found

    def _of(self, recipe: Mapping[str, JsonValue], fields: Sequence[str]) -> str:
        """The values of `fields` as text; equal values give equal texts."""
        values = [recipe[name] for name in fields]
        written = repr(values)
        if written not in self.texts:
            self.texts[written] = canonical_text(values)
        return self.texts[written]


class TooMany(Exception):
    """Too many factors act on the same fields to list their combinations."""


def _parts(study: Study) -> Iterator[tuple[list[int], list[str]]]:
    """Sets of factors that act on common fields, with these fields."""
    fields = [_fields(study, i) for i in range(len(study.factors))]
    edges = [
        (i, j) for i, j in itertools.combinations(range(len(fields)), 2) if fields[i] & fields[j]
    ]
    # A trick's need may forbid another trick's level; such factors belong together too.
    edges += [(i, j) for i, _, j, _ in study.design.conflicts.reasons]
    for members in linked(len(fields), edges):
        yield members, sorted(set().union(*(fields[i] for i in members)))


def _fields(study: Study, place: int) -> set[str]:
    fields = {name for level in study.factors[place].levels for name in touched(level)}
    for pair in COUPLED:
        if fields & set(pair):
            fields |= set(pair)
    return fields

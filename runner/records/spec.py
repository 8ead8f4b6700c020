"""RunSpec: the specification of a run, and its id. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from runner.records.json_values import JsonValue, digest
from runner.records.record_schema import Record
from runner.records.run import Run, label
from tricks.bag import recipe_from_json
from tricks.errors import BadInput
from tricks.recipe import Recipe, identity, to_json

SCHEMA = 1  # of ids: raised when the same specification means another training

# The identity of a task's images, by name: see `tasks/`. Each task has its own names.
Fingerprint: TypeAlias = Mapping[str, JsonValue]


@dataclass(frozen=True)
class RunSpec:
    """An arm with a seed on a task.

    data: the identity of the task's images: name, fingerprint of the files, split, and size of the
    training set; never a path. recipe: composed and resolved. tricks: the arm's names of tricks,
    for readers; they are not part of the id.
    """

    data: Fingerprint
    recipe: Recipe
    seed: int
    tricks: tuple[str, ...] = ()

    @cached_property
    def id(self) -> str:
        """16 hex digits; two specs have the same id only if they are the same training."""
        parts: dict[str, JsonValue] = {
            "schema": SCHEMA,
            "data": dict(self.data),
            "recipe": identity(self.recipe),
            "seed": self.seed,
        }
        return digest(parts)[:16]

    def to_json(self) -> dict[str, Any]:
        """The spec as JSON values, for another process or a record."""
        return {
            "data": dict(self.data),
            "recipe": to_json(self.recipe),
            "seed": self.seed,
            "tricks": list(self.tricks),
        }

    def run(self) -> Run:
        """The run as engines and records see it."""
        name = label(self.tricks, self.seed)
        return Run(self.id, self.seed, name, self.to_json(), self.recipe.epochs)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunSpec:
        """The inverse of `to_json`. Plug-ins must be loaded before."""
        return cls(
            data["data"],
            recipe_from_json(data["recipe"]),
            data["seed"],
            tuple(data["tricks"]),
        )

    @classmethod
    def of_record(cls, record: Record) -> RunSpec:
        """The specification of the run of `record`. Plug-ins must be loaded before.

        Raises BadInput for a record without it.
        """
        data, recipe, seed = record.data, record.recipe, record.seed
        if data is None or recipe is None or seed is None:
            raise BadInput(f"the record of {record.id} does not say what was trained")
        return cls(data, recipe_from_json(recipe.values), seed, tuple(record.tricks or ()))

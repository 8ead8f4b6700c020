"""RunSpec: what one run is, and the id that follows from it. Torch-free."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runner.records.run import Run, label
from tricks.bag import recipe_from_json
from tricks.recipe import Recipe, identity, to_json

SCHEMA = 1  # of ids: raised when the same words come to mean another training


def canonical(value: Any) -> Any:
    """`value` with every number in one form: 1 and 1.0 are equal, 0.1 + 0.2 is 0.3."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        try:
            number = float(f"{value:.12g}")
        except OverflowError:  # a whole number that no float holds
            return value
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    return [canonical(item) for item in value]


def digest(value: Any) -> str:
    """64 hex digits of SHA-256 over canonical JSON."""
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class RunSpec:
    """An arm with a seed on a task.

    `data` is what identifies the task's images: name, fingerprint of the files, split and size of
    the training set; never a path. `recipe` is composed and resolved. `tricks` are the names the
    arm was asked for with, kept for reading; they are no part of the id.
    """

    data: Mapping[str, Any]
    recipe: Recipe
    seed: int
    tricks: tuple[str, ...] = ()

    @cached_property
    def id(self) -> str:
        """16 hex digits that two specs share only if they are the same training."""
        parts = {
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
        """The inverse of `to_json`; plug-ins must be loaded before."""
        return cls(
            data["data"],
            recipe_from_json(data["recipe"]),
            data["seed"],
            tuple(data["tricks"]),
        )

"""ScriptSpec: the specification of a script's run, and its id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from runner.designs.design import hashed_seed
from runner.records.json_values import JsonValue, digest
from runner.records.run import Run, label
from runner.scripts.command import Edits

SCHEMA = 1  # of ids: raised when the same specification means another run


@dataclass(frozen=True)
class ScriptSpec:
    """An arm with a seed.

    data: the identity of the script: its command, metrics and the digest of its inputs. tricks:
    names of the levels that differ from the reference, for readers; they are not part of the id.
    """

    data: Mapping[str, JsonValue]
    edits: Edits
    seed: int
    tricks: tuple[str, ...] = ()

    @cached_property
    def id(self) -> str:
        """16 hex digits; two specs have the same id only if they are the same run."""
        return digest({"script": SCHEMA, **self._parts})[:16]

    def run(self) -> Run:
        """The run as engines and records see it."""
        payload = {**self._parts, "tricks": list(self.tricks)}
        return Run(self.id, self.seed, label(self.tricks, self.seed), payload)

    @property
    def _parts(self) -> dict[str, JsonValue]:
        return {"data": dict(self.data), "edits": self.edits.to_json(), "seed": self.seed}


def seed_of(seed: int, stream: int) -> int:
    """The seed that the script gets; another stream gives unrelated seeds.

    >>> seed_of(3, 0), seed_of(3, 1) != 3
    (3, True)
    """
    return hashed_seed("placebo", seed) if stream else seed

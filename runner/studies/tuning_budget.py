"""The budget with which every arm of a tuned study chooses its own value of a field."""

from __future__ import annotations

from dataclasses import dataclass

from runner.designs.field import field_text


@dataclass(frozen=True)
class Tuning:
    """The budget of every arm: each of `values` of the recipe field `field`, with `seeds` seeds.

    fixed: the field's value in the baseline, which the arms have where they are not tuned.
    """

    field: str
    values: tuple[float, ...]
    seeds: int
    fixed: float

    @property
    def texts(self) -> list[str]:
        """The values as they stand in tables."""
        return [field_text(value) for value in self.values]

    @property
    def fixed_text(self) -> str:
        """The fixed value as it stands in tables."""
        return field_text(self.fixed)

    def to_json(self) -> dict[str, dict[str, list[str]] | int]:
        """What was asked for, as the keys of a study file."""
        return {"tune": {self.field: self.texts}, "tune_seeds": self.seeds}

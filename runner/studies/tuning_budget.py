"""The budget of a tuned study: the same for every arm."""

from __future__ import annotations

from dataclasses import dataclass

from runner.designs.field import field_text


@dataclass(frozen=True)
class Tuning:
    """The budget of every arm: each of `values` of the recipe field `field`, with `seeds` seeds.

    fixed: the field's value in the baseline, and in all arms at the stage `fixed`.
    """

    field: str
    values: tuple[float, ...]
    seeds: int
    fixed: float

    @property
    def texts(self) -> list[str]:
        """The candidates as texts for tables."""
        return [field_text(value) for value in self.values]

"""The levels of "all on": one for each factor, if they do not exclude each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from runner.designs.factor import Factor
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    from runner.designs.design import Design


def all_on(factors: Sequence[Factor], reference: Mapping[str, str]) -> tuple[int, ...]:
    """For each factor the level in `reference` (factor -> level), else its second level.

    Raises BadInput for an unknown factor or level, or for a level that would leave a factor off.
    """
    names = [factor.name for factor in factors]
    for name in reference:
        if name not in names:
            raise BadInput(f"--reference: {unknown('factor', name, names)}")
    on = []
    for factor in factors:
        level = factor.index(reference[factor.name]) if factor.name in reference else 1
        if level == 0:
            others = ", ".join(item.name for item in factor.levels[1:])
            raise BadInput(
                f"--reference {factor.name}={reference[factor.name]} would leave {factor.name} as "
                f"in the baseline: choose from {others}, or leave it out of the grid"
            )
        on.append(level)
    return tuple(on)


def two_levels(factors: Sequence[Factor], on: Sequence[int]) -> list[Factor]:
    """`factors` with only the reference and the "on" level, as these designs use no others."""
    return [
        Factor(f.name, (f.levels[0], f.levels[level]), f.kind)
        for f, level in zip(factors, on, strict=True)
    ]


def check_all_on(design: Design) -> None:
    """Raises BadInput if not everything can be on at once."""
    for (i, a, j, b), reason in design.conflicts.reasons.items():
        if design.on[i] == a and design.on[j] == b:
            raise BadInput(f"--grid {design.name} turns everything on at once, but {reason}")

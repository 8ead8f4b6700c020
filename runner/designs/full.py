"""Full: every combination of levels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

from runner.designs.design import Design
from runner.designs.factor import PLACEBO, Arm

CARRIERS = 4  # factors of two levels whose product may carry a placebo


class Full(Design):
    """Every possible combination, the baseline first.

    The order visits the combinations in strides of a golden section, so that any beginning of it
    has each factor's levels in nearly equal parts: a grid that is stopped half way still
    estimates every effect. Counting and generating list combinations only where factors conflict.
    """

    name: ClassVar[str] = "full"
    summary: ClassVar[str] = "every combination"
    shared_seeds: ClassVar[bool] = False
    default_seeds: ClassVar[int] = 1

    @cached_property
    def _carriers(self) -> tuple[int, ...]:
        """The factors on whose product a placebo is carried, so that it costs no arms.

        With at least four of two levels, which no conflict touches, its effect is clear of main
        effects and two-factor interactions. Empty: it is crossed like any other.
        """
        place = self._placebo
        entangled = {place for i, _, j, _ in self.conflicts.reasons for place in (i, j)}
        if place is None or place in entangled:
            return ()
        others = [i for i, size in enumerate(self.sizes) if size == 2 and i != place]
        free = tuple(i for i in others if i not in entangled)
        return free if len(free) >= CARRIERS else ()

    @property
    def _placebo(self) -> int | None:
        names = [factor.name for factor in self.factors]
        return names.index(PLACEBO) if PLACEBO in names else None

    @cached_property
    def _free_sizes(self) -> list[int]:
        """Levels that each factor takes independently of the others: one for a carried placebo."""
        carried = self._placebo if self._carriers else None
        return [1 if i == carried else size for i, size in enumerate(self.sizes)]

    @cached_property
    def _components(self) -> list[tuple[tuple[int, ...], list[Arm]]]:
        return self.conflicts.components(self._free_sizes)

    @property
    def count(self) -> int:
        return math.prod(len(combinations) for _, combinations in self._components)

    @property
    def excluded(self) -> int:
        return math.prod(self._free_sizes) - self.count

    def __iter__(self) -> Iterator[Arm]:
        total = self.count
        stride = _coprime(total, round(total * (math.sqrt(5) - 1) / 2))
        place = 0
        for _ in range(total):
            yield self._arm(place)
            place = (place + stride) % total

    def notes(self) -> list[str]:
        if not self._carriers:
            return []
        names = " × ".join(self.factors[i].name for i in self._carriers)
        return [f"the placebo is carried free: it is on where an odd number are of {names}"]

    def candidates(self) -> Iterator[Arm]:
        return iter(self)

    def contains(self, arm: Arm) -> bool:
        return self.conflicts.allows(arm) and self._carry(list(arm)) == arm

    def _carry(self, arm: list[int]) -> Arm:
        """`arm` with a carried placebo as the others have it."""
        if self._placebo is not None and self._carriers:
            arm[self._placebo] = sum(arm[i] for i in self._carriers) % 2
        return tuple(arm)

    def _arm(self, place: int) -> Arm:
        """Combination number `place` in lexicographic order of the components."""
        arm = [0] * len(self.factors)
        for members, combinations in reversed(self._components):
            place, index = divmod(place, len(combinations))
            for i, level in zip(members, combinations[index], strict=True):
                arm[i] = level
        return self._carry(arm)


def _coprime(total: int, near: int) -> int:
    """The number from `near` upwards that shares no divisor with `total`."""
    near = max(near, 1)
    while math.gcd(near, total) != 1:
        near += 1
    return near

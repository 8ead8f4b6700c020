"""Full: every combination of levels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

from runner.designs.design import Design
from runner.designs.factor import Arm


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
    def _components(self) -> list[tuple[tuple[int, ...], list[Arm]]]:
        return self.conflicts.components([len(factor.levels) for factor in self.factors])

    @property
    def count(self) -> int:
        return math.prod(len(combinations) for _, combinations in self._components)

    @property
    def excluded(self) -> int:
        return math.prod(len(factor.levels) for factor in self.factors) - self.count

    def __iter__(self) -> Iterator[Arm]:
        total = self.count
        stride = _coprime(total, round(total * (math.sqrt(5) - 1) / 2))
        place = 0
        for _ in range(total):
            yield self._arm(place)
            place = (place + stride) % total

    def candidates(self) -> Iterator[Arm]:
        return iter(self)

    def contains(self, arm: Arm) -> bool:
        return self.conflicts.allows(arm)

    def _arm(self, place: int) -> Arm:
        """Combination number `place` in lexicographic order of the components."""
        arm = [0] * len(self.factors)
        for members, combinations in reversed(self._components):
            place, index = divmod(place, len(combinations))
            for i, level in zip(members, combinations[index], strict=True):
                arm[i] = level
        return tuple(arm)


def _coprime(total: int, near: int) -> int:
    """The number from `near` upwards that shares no divisor with `total`."""
    near = max(near, 1)
    while math.gcd(near, total) != 1:
        near += 1
    return near

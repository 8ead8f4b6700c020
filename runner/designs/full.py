"""Full: every combination of levels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

from runner.designs import placebo
from runner.designs.design import Design, register
from runner.designs.factor import Arm

FEWEST_CARRIERS = 4  # factors of two levels that are needed for a placebo without extra runs
CARRIED = (
    "the placebo needs no extra runs: it is on in half of the arms, drawn at random and clear "
    "of effects of one and two factors; in every second replicate it is on in the other half"
)


@register
class Full(Design):
    """Every possible combination, the baseline first.

    The order visits the combinations in strides of the golden section, so any first part of it has
    each factor's levels nearly equally often: a grid that is stopped half way still estimates every
    effect. Counting and generating list only combinations of factors with conflicts.
    """

    name: ClassVar[str] = "full"
    summary: ClassVar[str] = "every combination"
    rank: ClassVar[int] = 5
    crossed: ClassVar[bool] = True
    shared_seeds: ClassVar[bool] = False
    default_seeds: ClassVar[int] = 1

    @cached_property
    def _carriers(self) -> tuple[int, ...]:
        """The factors that give a placebo its levels, so that it needs no extra arms.

        With at least four factors of two levels without conflicts, the placebo's effect is clear of
        main effects and two-factor interactions. Empty: the placebo is crossed like any other
        factor.
        """
        place = placebo.place(self.factors)
        entangled = {place for i, _, j, _ in self.conflicts.reasons for place in (i, j)}
        if place is None or place in entangled:
            return ()
        others = [i for i, size in enumerate(self.sizes) if size == 2 and i != place]
        free = tuple(i for i in others if i not in entangled)
        return free if len(free) >= FEWEST_CARRIERS else ()

    @cached_property
    def _carried(self) -> int | None:
        """The position of a placebo that needs no extra arms; None without one."""
        return placebo.place(self.factors) if self._carriers else None

    @cached_property
    def turning(self) -> int | None:
        return self._carried if self.placebo_level == placebo.DRAWN else None

    @cached_property
    def _sign(self) -> placebo.Sign:
        return placebo.Sign(self.factors, self._carriers)

    @cached_property
    def _free_sizes(self) -> list[int]:
        """The number of levels that each factor takes independently: 1 for such a placebo."""
        return [1 if i == self._carried else size for i, size in enumerate(self.sizes)]

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
        if self._carried is None:
            return []
        if self.turning is not None:
            return [CARRIED]
        names = " × ".join(self.factors[i].name for i in self._carriers)
        return [f"the placebo needs no extra runs: it is on where an odd number of {names} are on"]

    def candidates(self) -> Iterator[Arm]:
        return iter(self)

    def contains(self, arm: Arm) -> bool:
        carried = self.turning is not None or self._carry(list(arm)) == arm
        return carried and self.conflicts.allows(arm)

    def _carry(self, arm: list[int]) -> Arm:
        """`arm` with the placebo's level that follows from the other factors."""
        if self.turning is not None:
            arm[self.turning] = self._sign.level(arm)
        elif self._carried is not None:
            arm[self._carried] = sum(arm[i] for i in self._carriers) % 2
        return tuple(arm)

    def multiplicity(self, arm: Arm) -> int:
        return 1 if self.turning is None else int(self._carry(list(arm)) == arm)

    def _arm(self, place: int) -> Arm:
        """Combination number `place` in lexicographic order of the components."""
        arm = [0] * len(self.factors)
        for members, combinations in reversed(self._components):
            place, index = divmod(place, len(combinations))
            for i, level in zip(members, combinations[index], strict=True):
                arm[i] = level
        return self._carry(arm)


def _coprime(total: int, near: int) -> int:
    """The first number from `near` upwards that shares no divisor with `total`."""
    near = max(near, 1)
    while math.gcd(near, total) != 1:
        near += 1
    return near

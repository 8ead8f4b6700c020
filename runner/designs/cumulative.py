"""Cumulative: the baseline, then one trick after the other, each added to the tricks before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from runner.designs.design import Design, changed, reference_arm, register
from runner.designs.factor import Arm
from runner.designs.layout import CUMULATIVE
from runner.designs.reference_levels import check_all_on


@register
class Cumulative(Design):
    """k + 1 arms: the first 0 to k factors of `order` at their "on" level, others at reference."""

    name: ClassVar[str] = "cumulative"
    summary: ClassVar[str] = "one trick on top of the other, in the order given (--order)"
    rank: ClassVar[int] = 3
    layout: ClassVar[str] = CUMULATIVE
    estimand: ClassVar[str] = "each step after those before it"
    needs_on: ClassVar[bool] = True
    needs_order: ClassVar[bool] = True

    def compared(self, place: int, level: int) -> tuple[Arm, Arm]:
        before = self.order[: self.order.index(place)]
        low = tuple(self.on[i] if i in before else 0 for i in range(len(self.factors)))
        return low, changed(low, place, level)

    def candidates(self) -> Iterator[Arm]:
        arm = list(reference_arm(self.factors))
        yield tuple(arm)
        for i in self.order:
            arm[i] = self.on[i]
            yield tuple(arm)

    def check(self) -> None:
        check_all_on(self)

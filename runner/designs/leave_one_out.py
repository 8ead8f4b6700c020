"""Leave-one-out: everything on, and everything on but one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from runner.designs.design import Design, changed, register
from runner.designs.factor import Arm
from runner.designs.layout import ONE_AT_A_TIME
from runner.designs.reference_levels import check_all_on


@register
class LeaveOneOut(Design):
    """All factors at their "on" level, and the same with one factor back at its reference."""

    name: ClassVar[str] = "leave-one-out"
    summary: ClassVar[str] = "everything on, and everything on but one"
    rank: ClassVar[int] = 2
    layout: ClassVar[str] = ONE_AT_A_TIME
    estimand: ClassVar[str] = "with all others on"
    leaves_out: ClassVar[bool] = True
    needs_on: ClassVar[bool] = True
    takes_control: ClassVar[bool] = True

    @property
    def control_arm(self) -> Arm:
        return self.on

    @classmethod
    def plans(cls, level: int) -> bool:
        return level == 0

    def compared(self, place: int, level: int) -> tuple[Arm, Arm]:
        return changed(self.on, place, 0), self.on

    def candidates(self) -> Iterator[Arm]:
        yield self.on
        for i in range(len(self.factors)):
            yield changed(self.on, i, 0)

    def check(self) -> None:
        check_all_on(self)

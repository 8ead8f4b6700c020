"""Leave-one-out: everything on, and everything on but one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from runner.designs.all_on import check_all_on
from runner.designs.design import Design
from runner.designs.factor import Arm


class LeaveOneOut(Design):
    """All factors at their "on" level, and each of them put back to its reference alone."""

    name: ClassVar[str] = "leave-one-out"
    summary: ClassVar[str] = "everything on, and everything on but one"
    needs_on: ClassVar[bool] = True
    takes_control: ClassVar[bool] = True

    @property
    def control_arm(self) -> Arm:
        return self.on

    def candidates(self) -> Iterator[Arm]:
        yield self.on
        for i in range(len(self.factors)):
            yield (*self.on[:i], 0, *self.on[i + 1 :])

    def check(self) -> None:
        check_all_on(self)

"""Add-one: the baseline, and the baseline with each trick alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from runner.designs.design import Design, changed, reference_arm, register
from runner.designs.factor import Arm
from runner.designs.layout import ONE_AT_A_TIME


@register
class AddOne(Design):
    """The baseline and, for each level of each factor, the baseline with only this level."""

    name: ClassVar[str] = "add-one"
    summary: ClassVar[str] = "the baseline, and the baseline with each trick alone"

    rank: ClassVar[int] = 1
    layout: ClassVar[str] = ONE_AT_A_TIME
    estimand: ClassVar[str] = "at the baseline"
    takes_control: ClassVar[bool] = True

    @property
    def control_arm(self) -> Arm:
        return reference_arm(self.factors)

    def candidates(self) -> Iterator[Arm]:
        arm = reference_arm(self.factors)
        yield arm
        for i, factor in enumerate(self.factors):
            for level in range(1, len(factor.levels)):
                yield changed(arm, i, level)

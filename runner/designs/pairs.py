"""Pairs: the baseline, each trick alone, and every two of them together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import ClassVar

from runner.designs.design import Design, reference_arm, register
from runner.designs.factor import Arm
from runner.designs.layout import PAIRS


@register
class Pairs(Design):
    """The baseline with at most two factors away from their reference."""

    name: ClassVar[str] = "pairs"
    rank: ClassVar[int] = 4
    layout: ClassVar[str] = PAIRS
    estimand: ClassVar[str] = "at the baseline"
    summary: ClassVar[str] = "the baseline, each trick alone, and every two of them together"

    def candidates(self) -> Iterator[Arm]:
        yield reference_arm(self.factors)
        for size in (1, 2):
            for places in itertools.combinations(range(len(self.factors)), size):
                ranges = [range(1, len(self.factors[i].levels)) for i in places]
                for levels in itertools.product(*ranges):
                    arm = list(reference_arm(self.factors))
                    for i, level in zip(places, levels, strict=True):
                        arm[i] = level
                    yield tuple(arm)

"""The design that checks a baseline: other learning rates and twice the epochs, on its own seeds.

It is an add-one study over lr_scale and epochs without tricks, so the store, `status`, `report` and
`analyze` treat it like any other study. Its seeds are above the seeds of all other studies, so a
check makes its choices on runs that no other table shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runner.designs.add_one import AddOne
from runner.designs.conflicts import Conflicts
from runner.designs.design import BEYOND, hashed_seed
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.designs.factor import Arm, Factor

SEEDS = 5
FACTORS = ("lr_scale", "epochs")


class BaselineCheck(AddOne):
    """The baseline and twice its epochs with all seeds, other rates with half of the seeds."""

    default_seeds = SEEDS

    def times(self, arm: Arm, n: int) -> int:
        """At least two, if there are two seeds: a single run of a rate has no sd."""
        another_rate = arm[0] != 0
        return min(n, max(2, n // 2)) if another_rate else n

    def total(self, n: int) -> int:
        return sum(self.times(arm, n) for arm in self)

    def runs(self, n: int) -> Iterator[tuple[Arm, int]]:
        for index in range(n):
            for arm in self:
                if index < self.times(arm, n):
                    yield arm, self.seed(arm, index)

    def seed(self, arm: Arm, index: int) -> int:
        return BEYOND + hashed_seed("check", index)


def check_design(factors: Sequence[Factor]) -> BaselineCheck:
    """The design over `factors`. Raises BadInput for factors that a check does not have."""
    if tuple(factor.name for factor in factors) != FACTORS:
        raise BadInput(
            f"check = true is only for studies over {' and '.join(FACTORS)} without tricks"
        )
    return BaselineCheck(factors, Conflicts())

"""Design: the arms of a grid, generated as they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

from runner.designs.conflicts import Conflicts
from runner.designs.factor import Arm, Factor, level_names


@dataclass(frozen=True)
class Design:
    """Arms over `factors`, less those that `conflicts` forbids.

    on: the level that "all on" means, for each factor (designs that need it).
    order: positions of the factors in the order in which they are added (cumulative).
    """

    factors: Sequence[Factor]
    conflicts: Conflicts = field(default_factory=Conflicts)
    on: tuple[int, ...] = ()
    order: tuple[int, ...] = ()

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    needs_on: ClassVar[bool] = False  # takes --reference
    needs_order: ClassVar[bool] = False  # takes --order
    # Seeds 0..n-1 shared by all arms, or each arm its own: in a factorial every effect is an
    # average over arms, and shared seeds would make their errors hang together.
    shared_seeds: ClassVar[bool] = True
    default_seeds: ClassVar[int] = 3

    def candidates(self) -> Iterator[Arm]:
        """All arms that the design would have if nothing were impossible."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises BadInput if the design cannot be had for these factors."""

    def __iter__(self) -> Iterator[Arm]:
        return (arm for arm in self.candidates() if self.conflicts.allows(arm))

    @cached_property
    def _counts(self) -> tuple[int, int]:
        total = allowed = 0
        for arm in self.candidates():
            total += 1
            allowed += self.conflicts.allows(arm)
        return allowed, total - allowed

    @property
    def count(self) -> int:
        """How many arms there are."""
        return self._counts[0]

    @property
    def excluded(self) -> int:
        """How many arms are left out because they are impossible."""
        return self._counts[1]

    def contains(self, arm: Arm) -> bool:
        """Whether `arm` is one of the design's."""
        return arm in set(self)

    def seeds(self, arm: Arm, n: int) -> list[int]:
        """The seeds of `arm` when each arm is trained `n` times; a larger n only adds seeds."""
        if self.shared_seeds:
            return list(range(n))
        return [self.seed(arm, replicate) for replicate in range(n)]

    def seed(self, arm: Arm, replicate: int) -> int:
        """Seed number `replicate` of `arm`.

        An arm's own seeds follow from the names of what is on in it, so that the same arm has the
        same seeds in every factorial and is trained once for all of them.
        """
        if self.shared_seeds:
            return replicate
        names = level_names(self.factors, arm).items()
        changed = [f"{f}={level}" for (f, level), index in zip(names, arm, strict=True) if index]
        text = "\n".join((*sorted(changed), str(replicate)))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def reference_arm(factors: Sequence[Factor]) -> Arm:
    """The arm in which every factor is at its reference: the baseline."""
    return (0,) * len(factors)

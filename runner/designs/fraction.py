"""Fraction: 64 of the 768 combinations of eight tricks and one choice of three."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

from runner.designs.design import Design
from runner.designs.factor import Arm
from tricks.errors import BadInput

# Each two-level factor is a product (XOR) of the six basic columns A..F.
WORDS = ("E", "BDE", "ACE", "ABCDE", "F", "BDF", "ACF", "ABCDF")


class Fraction(Design):
    """A regular two-level fraction of 64 runs in six basic columns A..F.

    The factor of three levels takes C and D: reference where D is 0 (32 runs), then C chooses
    between the other two (16 runs each). All main effects are clear of two-factor interactions;
    23 degrees of freedom hold two-factor interactions, some of them aliased with one another, and
    30 are left for error: where D is 0, A and C act only together, so 16 arms stand twice, each
    time with its own seed, and 16 of the 30 are pure error.
    """

    name: ClassVar[str] = "fraction"
    summary: ClassVar[str] = "64 runs of the full grid that estimate every trick's average effect"
    shared_seeds: ClassVar[bool] = False
    default_seeds: ClassVar[int] = 1

    def check(self) -> None:
        sizes = [len(factor.levels) for factor in self.factors]
        if sorted(sizes) != [2] * len(WORDS) + [3]:
            two, more = sizes.count(2), [n for n in sizes if n > 2]
            have = f"{two} of two levels" + (f" and {more} levels" if more else "")
            raise BadInput(
                "--grid fraction is for eight factors of two levels and one of three (the standard "
                f"bag); here are {have}: use --grid full, pairs or add-one"
            )

    @cached_property
    def _multiplicities(self) -> Counter[Arm]:
        return Counter(self)

    def multiplicity(self, arm: Arm) -> int:
        return self._multiplicities[arm]

    def candidates(self) -> Iterator[Arm]:
        for bits in itertools.product((0, 1), repeat=6):
            value = dict(zip("ABCDEF", bits, strict=True))
            words = iter(WORDS)
            arm = []
            for factor in self.factors:
                if len(factor.levels) == 3:
                    arm.append(value["D"] * (1 + value["C"]))
                else:
                    arm.append(sum(value[letter] for letter in next(words)) % 2)
            yield tuple(arm)

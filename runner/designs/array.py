"""ArrayDesign: a design with one fixed list of arms, some of which may occur twice."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from runner.designs import placebo
from runner.designs.conflicts import Conflicts
from runner.designs.design import Design
from runner.designs.factor import PLACEBO, Arm, Factor

if TYPE_CHECKING:
    from runner.designs.exchange import Matrix

TRIES = 100  # random choices of columns


class ArrayDesign(Design):
    """The arms of `array`, all of them possible, each with its own seeds."""

    shared_seeds: ClassVar[bool] = False
    default_seeds: ClassVar[int] = 1
    one_array: ClassVar[bool] = True

    @cached_property
    def array(self) -> tuple[Arm, ...]:
        """Every arm of the design; repeated arms occur repeatedly.

        A placebo does not change the columns of the other factors.
        """
        return self.make() if self.turning is None else self._carrying(self.turning)

    def make(self) -> tuple[Arm, ...]:
        """The arms for `factors`; a placebo is treated like any other factor."""
        raise NotImplementedError

    @cached_property
    def turning(self) -> int | None:
        return placebo.place(self.factors) if self.placebo_level == placebo.DRAWN else None

    def _carrying(self, at: int) -> tuple[Arm, ...]:
        """The arms of the other factors, with the placebo's levels inserted at position `at`."""
        others = [factor for i, factor in enumerate(self.factors) if i != at]
        rest = self._without(at, others)
        source = placebo.stream(self.factors)
        spare = rest.spare()
        if spare:
            column = placebo.majority(spare, source)
        else:
            column = placebo.drawn(rest.array, rest.sizes, source)
        column = placebo.alternate(rest.array, column)
        return tuple(
            (*arm[:at], level, *arm[at:]) for arm, level in zip(rest.array, column, strict=True)
        )

    def _without(self, at: int, others: Sequence[Factor]) -> ArrayDesign:
        moved = {
            (i - (i > at), a, j - (j > at), b): why
            for (i, a, j, b), why in self.conflicts.reasons.items()
        }
        return replace(self, factors=others, conflicts=Conflicts(moved), on=self.on[: len(others)])

    def spare(self) -> list[list[int]]:
        """Unused columns of the array, as levels 0 and 1 of its rows."""
        return []

    def check(self) -> None:
        self.array  # noqa: B018 - raises BadInput while the study is built

    def candidates(self) -> Iterator[Arm]:
        return iter(self.array)

    @cached_property
    def _multiplicities(self) -> Counter[Arm]:
        return Counter(self.array)

    def multiplicity(self, arm: Arm) -> int:
        return self._multiplicities[arm]

    def signed(self, rows: Sequence[Sequence[int]]) -> tuple[Arm, ...]:
        """Arms from rows of ±1 (+1: the reference), with the best of some choices of columns.

        Main effects are equally precise in any columns, but interactions and repeated arms are not.
        A placebo takes an unused column, so it does not change the columns of the other factors.
        """
        levels, others, best = self._columns(rows)
        left = (column for column in range(levels.shape[1]) if column not in best)
        column = dict(zip(others, best, strict=True))
        chosen = [column[i] if i in column else next(left) for i in range(len(self.factors))]
        return tuple(tuple(arm) for arm in levels[:, chosen].tolist())

    def unused(self, rows: Sequence[Sequence[int]]) -> list[list[int]]:
        """The columns that `signed` does not use, as levels."""
        levels, _, best = self._columns(rows)
        return [levels[:, c].tolist() for c in range(levels.shape[1]) if c not in best]

    def _columns(self, rows: Sequence[Sequence[int]]) -> tuple[Matrix, list[int], list[int]]:
        """Levels of all columns, the factors except a placebo, and the columns of these factors."""
        import numpy as np

        from runner.designs.exchange import information

        levels = (1 - np.array(rows)) // 2
        others = [i for i, factor in enumerate(self.factors) if factor.name != PLACEBO]
        source = random.Random(f"{len(rows)} {len(others)}")
        width = levels.shape[1]
        # The column that is constant in each half comes last: without it each half is balanced.
        choices = [[*range(1, width), 0][: len(others)]]
        if len(others) < width:
            choices += [source.sample(range(width), len(others)) for _ in range(TRIES)]
        sizes = [2] * len(others)
        best = max(choices, key=lambda choice: round(information(levels[:, choice], sizes), 6))
        return levels, others, best

    def notes(self) -> list[str]:
        twice = len(self.array) - len(self._multiplicities)
        if not twice:
            return []
        arms = "1 arm is" if twice == 1 else f"{twice} arms are"
        return [f"{arms} repeated in the {self.name}, each time with its own seed"]

    def chosen_notes(self) -> list[str]:
        """Notes on arms that were chosen by exchange."""
        notes = [
            f"{len(self.array)} arms chosen by exchange: D-efficiency {self.efficiency:.2f} "
            "for main effects, which are not orthogonal to all two-factor interactions"
        ]
        mains = [len(f.levels) - 1 for f in self.factors if f.name != PLACEBO]
        pairs = sum(a * b for a, b in itertools.combinations(mains, 2))
        if len(self._multiplicities) < 1 + sum(mains) + pairs - len(self.conflicts.reasons):
            notes.append(
                "there are more interactions than arms: if they are large, intervals with one "
                "seed are too wide; two seeds separate them from noise (--seeds 2)"
            )
        return notes

    @cached_property
    def efficiency(self) -> float:
        """D-efficiency of the array for main effects: 1 if they are orthogonal and balanced."""
        from runner.designs.exchange import efficiency

        return efficiency(self.array, self.sizes)

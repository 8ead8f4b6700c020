"""Fraction: a few arms of the full grid that estimate every average effect."""

from __future__ import annotations

import math
from typing import ClassVar

from runner.designs.array import ArrayDesign
from runner.designs.design import register
from runner.designs.exchange import exchange
from runner.designs.factor import PLACEBO, Arm
from runner.designs.full import Full
from runner.designs.hadamard import folded, hadamard
from runner.designs.standard_arrays import ARRAYS, TWO_LEVEL_COLUMNS
from tricks.errors import BadInput

ERROR = 10  # the least degrees of freedom for error with the default number of runs


@register
class Fraction(ArrayDesign):
    """`size` runs, in the first of these ways that fits:

    - one factor of three levels and up to nine of two, 64 or 48 runs: the shipped arrays;
    - factors of two levels, twice as many runs as a Hadamard matrix has rows: the matrix and its
      mirror image, as in the screen;
    - else, and if arms are impossible: chosen by exchange.

    In the first two, main effects are orthogonal and clear of two-factor interactions.
    """

    name: ClassVar[str] = "fraction"
    summary: ClassVar[str] = (
        "few runs of the full grid that estimate every trick's average effect: 64 for the "
        "standard bag, or `--runs`"
    )
    rank: ClassVar[int] = 7
    takes_runs: ClassVar[bool] = True

    def make(self) -> tuple[Arm, ...]:
        runs = self.size
        everything = Full(self.factors, self.conflicts).count
        if runs >= everything:
            raise BadInput(
                f"--grid fraction of {runs} runs is not smaller than the full grid of "
                f"{everything} arms: use --grid full"
            )
        if self.kind == "shipped":
            return self._shipped()
        if self.kind == "folded":
            return self.signed(folded(len(self.factors), runs))
        return exchange(self.factors, self.conflicts, runs)

    def spare(self) -> list[list[int]]:
        if self.kind == "folded":
            return self.unused(folded(len(self.factors), self.size))
        if self.kind == "shipped" and len(self.factors) <= TWO_LEVEL_COLUMNS:
            return [[two[TWO_LEVEL_COLUMNS - 1] for two, _ in ARRAYS[self.size]()]]
        return []

    @property
    def size(self) -> int:
        """The number of runs: as asked, else 64 if that array fits, else a multiple of 8.

        With p coefficients for the mean and the main effects (a placebo needs no extra runs), the
        fewest runs that leave at least 10 df for error, and at least 2 (p - 1), which clears main
        effects of interactions.
        """
        if self.asked_runs:
            return self.asked_runs
        if self._fits_shipped and math.prod(self.sizes) > 64:
            return 64
        main = sum(len(f.levels) - 1 for f in self.factors if f.name != PLACEBO)
        return 8 * math.ceil(max(1 + main + ERROR, 2 * main) / 8)

    @property
    def kind(self) -> str:
        """The source of the array: shipped, folded or exchange."""
        runs = self.size
        if self._fits_shipped and runs in ARRAYS:
            return "shipped"
        two_level = not self.conflicts.reasons and max(self.sizes) == 2
        if two_level and runs >= 2 * len(self.sizes) and runs % 2 == 0 and hadamard(runs // 2):
            return "folded"
        return "exchange"

    def notes(self) -> list[str]:
        notes = super().notes()
        if self.kind == "shipped" and len(self.array) == 48:
            notes.append(
                "48 runs leave few degrees of freedom for error (2 with the whole standard bag): "
                "give --seeds 2 or more, or --runs 64"
            )
        if self.kind == "exchange":
            notes += self.chosen_notes()
        return notes

    @property
    def _fits_shipped(self) -> bool:
        sizes = sorted(self.sizes)
        return (
            not self.conflicts.reasons
            and len(sizes) > 1
            and sizes[-1] == 3
            and sizes[:-1] == [2] * (len(sizes) - 1)
            and len(sizes) - 1 <= TWO_LEVEL_COLUMNS
        )

    def _shipped(self) -> tuple[Arm, ...]:
        three = self.sizes.index(3)
        # A placebo takes the last column, so it does not change the columns of the other factors.
        free = iter(range(TWO_LEVEL_COLUMNS))
        columns = [
            TWO_LEVEL_COLUMNS - 1 if factor.name == PLACEBO else next(free) if i != three else None
            for i, factor in enumerate(self.factors)
        ]
        rows = ARRAYS[self.size]()
        return tuple(
            tuple(level if column is None else two[column] for column in columns)
            for two, level in rows
        )

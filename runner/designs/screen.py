"""Screen: a Plackett-Burman array and its mirror image, for many factors of two levels."""

from __future__ import annotations

from typing import ClassVar

from runner.designs.array import ArrayDesign
from runner.designs.design import register
from runner.designs.exchange import exchange
from runner.designs.factor import Arm
from runner.designs.hadamard import folded

RUNS = 24  # for up to 12 factors; unused columns give degrees of freedom for error
FEW = 5  # degrees of freedom


@register
class Screen(ArrayDesign):
    """24 runs for up to 12 factors, 32 for 16, 40 for 20, 48 for 24, 56 for 28, 64 for 32.

    Main effects are orthogonal and clear of all two-factor interactions, which are aliased with
    each other. Two orthogonal columns have all four combinations, so no such array can leave one
    out. If arms are impossible, the same number of possible arms is chosen by exchange instead.
    """

    name: ClassVar[str] = "screen"
    summary: ClassVar[str] = (
        "24 runs for up to 12 tricks (64 for 32) that estimate every trick's average effect"
    )
    rank: ClassVar[int] = 6
    on_means: ClassVar[str] = "factors have two levels:"
    needs_on: ClassVar[bool] = True

    def make(self) -> tuple[Arm, ...]:
        rows = folded(len(self.factors), RUNS)
        if self.conflicts.reasons:
            return exchange(self.factors, self.conflicts, len(rows))
        return self.signed(rows)

    def spare(self) -> list[list[int]]:
        return [] if self.conflicts.reasons else self.unused(folded(len(self.factors), RUNS))

    def notes(self) -> list[str]:
        notes = super().notes()
        if self.conflicts.reasons:
            reason = next(iter(self.conflicts.reasons.values()))
            notes.append(
                "arms are chosen by exchange, since a fold-over would have impossible "
                f"arms ({reason})"
            )
            return notes + self.chosen_notes()
        left = len(self.array) // 2 - len(self.factors)
        if 2 <= left < FEW:  # with fewer, two-factor interactions stay in the error
            notes.append(
                f"{left} degrees of freedom estimate interactions of three tricks: if these are "
                "large, intervals are wide, even with more seeds; --grid fraction can have more "
                "arms"
            )
        return notes

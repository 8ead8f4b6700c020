"""The number of seeds that a design needs to reach a goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runner.analysis.power import detectable, half_width
from runner.planning.precision import EffectPrecision, Errors, Precision

MOST_RUNS = 1_000_000


@dataclass(frozen=True)
class Goal:
    """The goal for every effect, in the metric's unit (pp for accuracies).

    kind: "effect" (the smallest effect that is detected with probability `power`) or "half-width"
    (of the 1 - alpha interval).
    """

    kind: str
    value: float
    power: float = 0.8
    alpha: float = 0.05

    def reached(self, precision: Precision, sigma: float, tests: int) -> float | None:
        """The value that an effect with this precision reaches; alpha is over `tests` effects."""
        if precision.se is None or precision.df is None:
            return None
        se = precision.se * sigma
        if self.kind == "effect":
            return detectable(se, precision.df, self.power, self.alpha, tests)
        return half_width(se, precision.df, self.alpha, tests)


@dataclass(frozen=True)
class Needed:
    """seeds: replicates of the design. runs: in all. reaches: the value of the worst effect.

    All are None, with the reason, if no number of seeds is enough.
    """

    seeds: int | None = None
    runs: int | None = None
    reaches: float | None = None
    reason: str | None = None


def needed(
    errors: Errors,
    goal: Goal,
    sigma: float,
    pick: Callable[[EffectPrecision], Precision],
    tests: int | None = None,
) -> Needed:
    """The fewest seeds with which every effect of the design reaches the goal.

    sigma: run-to-run sd in the goal's unit. pick: selects the estimand. tests: number of effects
    over which alpha holds at once; None: all effects of the design.
    """

    def worst(seeds: int) -> tuple[float | None, str | None]:
        effects = [pick(effect) for effect in errors.precisions(seeds)]
        lost = [effect for effect in effects if effect.se is None]
        if lost:
            return None, _lost(len(lost), len(effects), lost[0].reason)
        found = [goal.reached(e, sigma, len(effects) if tests is None else tests) for e in effects]
        known = [value for value in found if value is not None]
        return (max(known), None) if len(known) == len(found) else (None, effects[0].reason)

    def enough(seeds: int) -> bool:
        value, _ = worst(seeds)
        return value is not None and value <= goal.value

    arms, low, high = errors.design.count, 0, 1
    while not enough(high):
        # With one seed the model may be more precise than two arms with two seeds: try both.
        if high >= 2 and worst(high)[0] is None:
            return Needed(reason=worst(high)[1])
        low, high = high, 2 * high
        if high * arms > MOST_RUNS:
            return Needed(reason=f"more than {MOST_RUNS:,} runs")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return Needed(high, high * arms, worst(high)[0])


def _lost(count: int, total: int, reason: str | None) -> str:
    return f"{reason}" if count == total else f"{total - count} of {total} effects only: {reason}"

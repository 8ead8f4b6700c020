"""How many seeds a design needs until it sees what it is asked to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from runner.analysis.power import detectable, half_width
from runner.planning.precision import EffectPrecision, Errors, Precision

MOST_RUNS = 1_000_000


@dataclass(frozen=True)
class Goal:
    """What every effect is to come to, in the metric's unit (pp for accuracies).

    kind: "effect", the smallest that is seen with probability `power`; or "half-width", of the
    1 - alpha interval.
    """

    kind: str
    value: float
    power: float = 0.8
    alpha: float = 0.05

    def reached(self, precision: Precision, sigma: float, tests: int) -> float | None:
        """What an effect of this precision comes to; alpha holds over `tests` effects at once."""
        if precision.se is None or precision.df is None:
            return None
        se = precision.se * sigma
        if self.kind == "effect":
            return detectable(se, precision.df, self.power, self.alpha, tests)
        return half_width(se, precision.df, self.alpha, tests)


@dataclass(frozen=True)
class Needed:
    """seeds: how often the design is run; runs: in all; reaches: the worst effect's figure.

    All None, with the reason, where no number of seeds does.
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
    """The fewest seeds at which every effect of the design reaches the goal.

    sigma: run-to-run sd in the goal's unit; pick: the estimand; tests: effects over which alpha
    holds at once, None: all of the design's.
    """

    def worst(seeds: int) -> tuple[float | None, str | None]:
        effects = [pick(effect) for effect in errors.at(seeds)]
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
        # With one seed the model may tell what two arms tell from two on: both are looked at.
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

"""Intervals cut to the metric's possible range, so that wide intervals do not widen a plot."""

from __future__ import annotations

from runner.analysis.effects import Interval
from runner.analysis.result import Analysis

WHOLE = 100.0  # per cent


def drawable(
    a: Analysis, low: float | None, high: float | None, least: float = 0.0
) -> Interval | None:
    """The interval of a mean within the metric's range; None if unknown or the whole range."""
    if low is None or high is None:
        return None
    if a.unit != "pp":
        return low, high
    return None if high - low >= WHOLE - least else (max(low, least), min(high, WHOLE))


def drawable_effect(a: Analysis, low: float | None, high: float | None) -> Interval | None:
    """The same for an effect, which lies between -100 and 100 percentage points."""
    return drawable(a, low, high, -WHOLE)

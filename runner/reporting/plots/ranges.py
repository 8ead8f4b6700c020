"""Intervals cut to the metric's possible range, so that wide intervals do not widen a plot."""

from __future__ import annotations

from runner.analysis.result import Analysis

Interval = tuple[float, float]
WHOLE = 100.0  # per cent


def drawable(a: Analysis, interval: Interval | None) -> Interval | None:
    """The interval of a mean within the metric's range; None if it covers the whole range."""
    return _within(a, interval, 0.0)


def drawable_effect(a: Analysis, low: float | None, high: float | None) -> Interval | None:
    """The same for an effect, which lies between -100 and 100 percentage points."""
    return _within(a, None if low is None or high is None else (low, high), -WHOLE)


def _within(a: Analysis, interval: Interval | None, least: float) -> Interval | None:
    if interval is None or a.unit != "pp":
        return interval
    low, high = interval
    if high - low >= WHOLE - least:
        return None
    return max(low, least), min(high, WHOLE)

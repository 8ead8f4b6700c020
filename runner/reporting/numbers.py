"""Numbers as a report shows them: with signs, a true minus, and a dash for unknown numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable

from runner.analysis.cost import TimeRatio
from runner.reporting.document import Cell


def decimals(values: Iterable[float | None]) -> int:
    """Decimals that show the median of the sizes with two or three digits."""
    sizes = sorted(abs(v) for v in values if v)
    typical = sizes[len(sizes) // 2] if sizes else 1.0
    if typical >= 0.05:
        return 2
    return 3 if typical >= 0.005 else 4


def signed(value: float | None, places: int = 2) -> str:
    """A number with its sign (a true minus), or a dash.

    >>> signed(-0.204), signed(1.0), signed(-0.001), signed(None)
    ('−0.20', '+1.00', '0.00', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:+.{places}f}"
    if float(text) == 0:
        return text[1:]
    return text.replace("-", "−")


def plain(value: float | None, places: int = 2) -> str:
    """A number without a plus sign, or a dash."""
    known = value is not None and math.isfinite(value)
    return f"{value:.{places}f}".replace("-", "−") if known else "–"


def interval(low: float | None, high: float | None, places: int = 2) -> str:
    """`−0.20 to +0.41`, or a dash."""
    if low is None or high is None:
        return "–"
    return f"{signed(low, places)} to {signed(high, places)}"


def p_value(p: float | None) -> str:
    """A p-value with two decimals, three where it is small."""
    if p is None:
        return "–"
    return "<0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def share(value: float) -> str:
    """A probability in per cent; never 0 or 100 %.

    >>> share(0.392), share(0.9996), share(0.0004)
    ('39 %', '>99 %', '<1 %')
    """
    text = f"{100 * value:.0f}"
    return {"100": ">99 %", "0": "<1 %"}.get(text, f"{text} %")


def ratio(time: TimeRatio | None) -> str:
    """`1.05× (1.02–1.09)`, or a dash."""
    if not time:
        return "–"
    spread = f" ({time.low:.2f}–{time.high:.2f})" if time.low is not None else ""
    return f"{time.ratio:.2f}×{spread}"


def signed_cell(value: float | None, places: int = 2) -> Cell:
    """`signed` as a cell that keeps its number for sorting."""
    return Cell(signed(value, places), value)


def plain_cell(value: float | None, places: int = 2) -> Cell:
    """`plain` as a cell that keeps its number for sorting."""
    return Cell(plain(value, places), value)


def count_cell(value: int) -> Cell:
    """A whole number as a cell."""
    return Cell(str(value), value)


def interval_cell(low: float | None, high: float | None, places: int = 2) -> Cell:
    """`interval` as a cell that keeps its ends for sorting."""
    ends = None if low is None or high is None else (low, high)
    return Cell(interval(low, high, places), ends)


def range_cell(low: float | None, high: float | None, places: int = 2) -> Cell:
    """`89.20 to 90.41`, or a dash, as a cell that keeps its ends for sorting."""
    if low is None or high is None:
        return Cell("–")
    return Cell(f"{plain(low, places)} to {plain(high, places)}", (low, high))


def p_cell(p: float | None) -> Cell:
    """`p_value` as a cell that keeps its number for sorting."""
    return Cell(p_value(p), p)


def ratio_cell(time: TimeRatio | None) -> Cell:
    """`ratio` as a cell that keeps its number for sorting."""
    return Cell(ratio(time), time.ratio if time else None)

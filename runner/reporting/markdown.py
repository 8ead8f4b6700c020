"""Markdown: tables, numbers with signs, and names that cannot break out of their cell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runner.text import visible


def escape(text: Any) -> str:
    r"""Text that markdown shows as it is: no markup, no HTML, no new cell, no new line.

    >>> print(escape("a|b <img onerror=x> *c*"))
    a\|b &lt;img onerror=x&gt; \*c\*
    """
    line = visible(" ".join(str(text).split()))
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|!~#$])", r"\\\1", line)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A markdown table of ready-made cells; the first `left` columns are left-aligned."""
    lines = ["| " + " | ".join(header) + " |"]
    marks = ["---" if i < left else "---:" for i in range(len(header))]
    lines.append("| " + " | ".join(marks) + " |")
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def digits(values: Iterable[float | None]) -> int:
    """Decimals that show the smallest of the larger values with two or three figures."""
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
    if value is None:
        return "–"
    text = f"{value:+.{places}f}"
    if float(text) == 0:
        return text[1:]
    return text.replace("-", "−")


def plain(value: float | None, places: int = 2) -> str:
    """A number without a plus sign, or a dash."""
    return "–" if value is None else f"{value:.{places}f}".replace("-", "−")


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
    """A probability in per cent; never a certain one.

    >>> share(0.392), share(0.9996), share(0.0004)
    ('39 %', '>99 %', '<1 %')
    """
    text = f"{100 * value:.0f}"
    return {"100": ">99 %", "0": "<1 %"}.get(text, f"{text} %")


def ratio(time: dict[str, Any] | None) -> str:
    """`1.05× (1.02–1.09)`, or a dash."""
    if not time:
        return "–"
    spread = f" ({time['low']:.2f}–{time['high']:.2f})" if time["low"] is not None else ""
    return f"{time['ratio']:.2f}×{spread}"


def image(figures: Mapping[str, str], name: str, alt: str) -> str:
    """The picture `name` with a link to its SVG; "" if it was not drawn."""
    if name not in figures:
        return ""
    svg = figures[name].replace(".png", ".svg")
    return f"![{escape(alt)}]({figures[name]})\n\n([SVG]({svg}))"


def details(summary: str, blocks: Iterable[str]) -> str:
    """Blocks that a click opens, under an escaped summary; "" without any."""
    held = [block for block in blocks if block]
    if not held:
        return ""
    inside = "\n\n".join(held)
    return f"<details>\n<summary>{escape(summary)}</summary>\n\n{inside}\n\n</details>"

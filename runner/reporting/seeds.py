"""The section of the single runs: every seed as a point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.reporting.markdown import escape, image
from runner.reporting.wording import confidence

Answer = dict[str, Any]
MOST_ARMS = 40  # more are drawn by level of each factor
MOST_POINTS = 500  # of a row


def section(a: Answer, figures: Mapping[str, str]) -> list[str]:
    """Blocks of markdown; none without the plot."""
    picture = image(figures, "seeds", "every run as a point")
    if not picture:
        return []
    what = (
        f"*{escape(a['metric'][:1].upper() + a['metric'][1:])} of each of {a['runs']['used']} runs"
    )
    if a["runs"]["used"] > MOST_POINTS:
        what += f" (of a row at most {MOST_POINTS}, spread evenly, are drawn)"
    if len(a["arms"]) <= MOST_ARMS:
        what += (
            f"; bars: mean and {confidence(a)} t-interval of that arm alone, from its own runs' "
            "sd (runs − 1 df), not simultaneous, not of differences.*"
        )
    else:
        what += ", once for each factor, beside its level; bars: medians, without intervals.*"
    return ["## Seeds", picture, what]

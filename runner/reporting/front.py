"""The section of accuracy against cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.reporting.markdown import escape, image
from runner.reporting.noise import known

Answer = dict[str, Any]


def section(a: Answer, figures: Mapping[str, str]) -> list[str]:
    """Blocks of markdown; none without the plot."""
    alt = f"{a['metric']} against training time, coloured by P(on the front)"
    picture = image(figures, "accuracy-time", alt)
    if not picture:
        return []
    found = known(a, "pareto")
    if found:
        line = (
            f"*P(on the front): no other arm is both better and cheaper ({escape(found['cost'])}); "
            f"{found['draws']:,} joint draws of both, {escape(found['model'])}; "
            f"{a['runs']['used']} runs in {found['of']} arms. Vertical bars: t-intervals of each "
            "arm alone.*"
        )
    else:
        why = (a.get("pareto") or {}).get("reason") or "not estimated"
        line = f"*P(on the front) is not known: {escape(why)}.*"
    return ["## Accuracy and cost", picture, line]

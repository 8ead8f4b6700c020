"""The section of the half-normal plot of an unreplicated grid, and that of cumulative steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.reporting import tables
from runner.reporting.markdown import escape, image
from runner.reporting.wording import confidence

Answer = dict[str, Any]
SHOWN = 8


def half_normal(a: Answer, figures: Mapping[str, str]) -> list[str]:
    """Blocks of markdown; none where there is no such plot."""
    found = a.get("half_normal")
    picture = image(figures, "half-normal", "contrasts against half-normal quantiles")
    if not found or not picture:
        return []
    above = [escape(c["label"]) for c in reversed(found["contrasts"]) if c["above"]]
    more = f" and {len(above) - SHOWN} more" if len(above) > SHOWN else ""
    m, unit = len(found["contrasts"]), a["unit"]
    mixed = any(" ~ " in c["label"] for c in found["contrasts"])
    told = " ~: holds a part of each of these interactions." if mixed else ""
    said = f"Above the margin of all at once: {', '.join(above[:SHOWN]) or 'nothing'}{more}."
    return [
        "## Half-normal plot",
        f"Contrasts of noise alone lie on a line through 0; what leaves it is an effect. {said} "
        "A second look by another error term: verdicts are those of the effects table.",
        picture,
        f"*{m} orthogonal contrasts of {a['runs']['used']} runs, on the scale of main effects (an "
        f"interaction's is half its size); error term: Lenth's pseudo standard error, "
        f"{found['pse']:.3g} {unit} ({m / 3:.1f} df); {confidence(a)} margin of one contrast alone "
        f"±{found['margin']:.3g}, of all at once (simulated) ±{found['simultaneous_margin']:.3g}."
        f"{escape(told)}*",
    ]


def steps(a: Answer, figures: Mapping[str, str]) -> list[str]:
    """The waterfall of a cumulative grid; none for others."""
    picture = image(figures, "waterfall", "what each step adds")
    if not picture:
        return []
    return [
        "## Step by step",
        "**The order decides**: each step is what a trick adds to those before it; in another "
        "order the same tricks have other steps.",
        picture,
        tables.basis(a),
    ]

"""The section of the interactions: heatmap, and the largest ones as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.reporting import tables
from runner.reporting.markdown import details, escape, image
from runner.reporting.wording import df_text

Answer = dict[str, Any]
SHOWN = 12


def section(a: Answer, figures: Mapping[str, str]) -> list[str]:
    """Blocks of markdown; none without interactions."""
    if not a["interactions"]:
        return []
    total = len(a["interactions"])
    which = f"The {SHOWN} largest of {total}" if total > SHOWN else f"All {total}"
    lack = a.get("lack_of_fit")
    error = a["error_term"]
    if lack and lack["used"]:
        error = (
            "the replicates' noise alone, so that one may stand for an interaction of more factors"
        )
    free = [i["df"] for i in a["interactions"] if i["df"] is not None]
    df = df_text((min(free), max(free))) if free else "no intervals"
    line = (
        f"*Error term: {escape(error)}; {df}; {a['runs']['used']} runs; intervals of each "
        "alone; p by Benjamini-Hochberg over all interactions: a screening, exploratory.*"
    )
    what = "How much the effect of one factor changes when the other is switched."
    if all(i["effect"] is None for i in a["interactions"]):
        what += " These runs see only mixtures of them: none has a number of its own."
        return ["## Interactions", what, details("What is mixed", [tables.interactions(a, SHOWN)])]
    if any(i["aliased"] for i in a["interactions"]):
        what += (
            " A sum is an alias set: these runs see only the sum, never one member of it (hatched)."
        )
    found = tables.interactions(a, SHOWN)
    picture = image(figures, "interactions", "interactions of all pairs of factors")
    side = details(f"{which} interactions as a table", [found]) if picture else found
    return ["## Interactions", what, picture, line, side]

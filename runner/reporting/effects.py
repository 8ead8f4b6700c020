"""The section of the effects: their table, the forest plot, and what depends on what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.reporting import tables
from runner.reporting.markdown import details, image
from runner.reporting.wording import confidence

Answer = dict[str, Any]
AT_BASELINE = (
    "*The effect at the baseline (all other factors at their reference) comes from: “the two "
    "arms”, the baseline's runs against those of the arm with this change alone (Welch); “model”, "
    "the model with two-factor interactions; “model, narrowed”, the same fitted to the runs in "
    "which the factors that interact with this one are at their reference; – where the runs cannot "
    "tell. Its interval is of each effect alone.*"
)


def section(a: Answer, figures: Mapping[str, str]) -> list[str]:
    """Blocks of markdown."""
    blocks = ["## Effects", tables.effects(a), tables.caption(a)]
    notes = []
    if tables.beside_baseline(a):
        notes.append(AT_BASELINE)
    elif a["estimand"] == "averaged over the grid":
        blocks.append("*What each trick does at the baseline, these runs cannot tell.*")
    time = next((e["time"] for e in a["effects"] if e["time"]), None)
    if time:
        notes.append(f"*Time ratio: {time['column']} against the reference, {time['what']}.*")
    blocks.append(details("How to read the columns", notes))
    picture = image(figures, "effects", f"effects {a['estimand']} with {confidence(a)} intervals")
    blocks += [picture, tables.basis(a)] if picture else []
    simple = tables.simple_effects(a)
    if simple:
        what = (
            "An effect *depends* where an interaction is at least half of it and itself "
            "distinguishable from zero. Simple effects, averaged over the factors not named; "
            "intervals of each alone:"
        )
        held = [what, simple, tables.basis(a)]
        rows = sum(len(e["depends_on"]) for e in a["effects"])
        if rows <= 6:
            blocks += ["### Effects that depend on another factor", *held]
        else:
            blocks.append(details(f"Effects that depend on another factor: {rows} cases", held))
    return blocks

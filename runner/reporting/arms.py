"""The section of the arms: their means, all of them or the best and the worst."""

from __future__ import annotations

from typing import Any

from runner.reporting import tables
from runner.reporting.markdown import details, escape
from runner.reporting.wording import confidence

Answer = dict[str, Any]
FEW_ARMS = 40
SHOWN = 10


def time_column(a: Answer) -> str:
    """The column of the arms' training time."""
    names = ("cpu_seconds", "train_seconds")
    return next((n for n in names if any(n in arm for arm in a["arms"])), "train_seconds")


def section(a: Answer) -> list[str]:
    """Blocks of markdown."""
    time = time_column(a)
    note = (
        f"*Means over the replicates of an arm; {confidence(a)} t-intervals of each arm alone from "
        "its own sd (runs − 1 df), not simultaneous, not of differences. “Not ok” counts diverged "
        "and failed runs.*"
    )
    total = len(a["arms"])
    if total <= FEW_ARMS:
        held = [tables.arms(a, a["arms"], time), note]
        return ["## Arms", details(f"{total} arm{'s' * (total > 1)}", held)]
    by = "val_accuracy" if any(arm.get("val_accuracy") for arm in a["arms"]) else "mean"
    ranked = sorted((arm for arm in a["arms"] if arm.get(by) is not None), key=lambda arm: -arm[by])
    if by == "mean" and not a["larger_is_better"]:
        ranked.reverse()
    lost = [arm for arm in a["arms"] if not arm["ok"]]
    luck = (
        "*The best of many arms is lucky as well as good: expect it to do worse when it is run "
        "again on fresh seeds.*"
    )
    name = escape(by if by != "mean" else a["metric"])
    best, worst = tables.arms(a, ranked[:SHOWN], time), [*lost, *ranked[::-1]][:SHOWN]
    held = [f"Ten best by {name}:", best, luck, "Ten worst:", tables.arms(a, worst, time), note]
    return ["## Arms", details(f"The best and the worst of {total} arms", held)]

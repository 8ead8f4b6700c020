"""The section of a tuned study: effects at the fixed value beside those at each arm's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from runner.reporting.markdown import details, escape, image, interval, plain, signed, table
from runner.reporting.wording import confidence

# What `runner.studies.stages.comparison` gives: field, values, seeds, fixed (texts), arms (their
# tuning), `fixed` and `tuned` answers under "at" (None, with a reason, where there is none), cost.
Tuning = Mapping[str, Any]
FEW_ARMS = 40


def section(t: Tuning, figures: Mapping[str, str]) -> list[str]:
    """Blocks of markdown; images are those of `figures` called fixed-tuned and tuning."""
    field = escape(t["field"])
    blocks = ["## Fixed and tuned", effects(t) or _no_effects(t)]
    blocks.append(
        f"*Fixed: {field} is {escape(t['fixed'])} in every arm. Tuned: each arm has the "
        f"{field} that was best in its own tuning, out of {escape(', '.join(t['values']))}, by "
        f"validation accuracy after the last epoch, mean over {_seeds(t)} that no other run has; "
        "all arms had the same budget. Choosing is part of the procedure: an effect at the tuned "
        "values compares arms as they come out of it, and its interval is over seeds given the "
        "values chosen; it does not hold what another tuning would have chosen. Estimand, error "
        "term and adjustment are those of the effects above.*"
    )
    blocks.append(image(figures, "fixed-tuned", "effects at the fixed value and at each arm's"))
    blocks += ["### What the arms chose", "\n".join(f"- {line}" for line in remarks(t))]
    blocks.append(
        details("Validation accuracy of each value in each arm", [choices(t), _caption(t)])
    )
    blocks.append(image(figures, "tuning", f"validation accuracy by {t['field']} for each arm"))
    blocks.append(cost(t))
    return [block for block in blocks if block]


def pairs(t: Tuning) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Each effect at the fixed value, with the same one at the tuned values."""
    fixed, tuned = t["at"]["fixed"], t["at"]["tuned"]
    if fixed is None:
        return []
    then = {(e["factor"], e["level"]): e for e in tuned["effects"]} if tuned else {}
    return [(e, then.get((e["factor"], e["level"]))) for e in fixed["effects"]]


def effects(t: Tuning) -> str:
    """Effects at the fixed and at the tuned value, and what the arms behind them chose."""
    rows = []
    found = pairs(t)
    if not found:
        return ""
    a = t["at"]["fixed"]
    base = [arm for arm in t["arms"] if arm["arm"] == "baseline"]
    if base:
        chosen = escape(base[0]["value"] or "not chosen yet")
        rows.append(["*baseline*", *[""] * 6, chosen])
    for fixed, tuned in found:
        row = [escape(fixed["label"]), *_cells(fixed), *_cells(tuned)]
        rows.append([*row, escape(chosen_by(t, fixed["factor"], fixed["level"]))])
    unit = a["unit"]
    spread = f"{confidence(a)} interval"
    header = ["trick", f"fixed: effect ({unit})", spread, "verdict"]
    header += [f"tuned: effect ({unit})", spread, "verdict"]
    return table([*header, f"{escape(t['field'])} chosen"], rows)


def _cells(e: Mapping[str, Any] | None) -> list[str]:
    if e is None:
        return ["–", "–", "–"]
    return [signed(e["effect"]), interval(e["ci_low"], e["ci_high"]), str(e["verdict"])]


def chosen_by(t: Tuning, factor: str, level: str) -> str:
    """What the arms with `level` chose; where a single arm lacks it, what that one chose, too.

    `2`, or `1 ×16, 2 ×16`, or `1 ×8; without it 2`.
    """
    having = [arm for arm in t["arms"] if arm["levels"][factor] == level]
    lacking = [arm for arm in t["arms"] if arm["levels"][factor] != level]
    text = counted(t, having)
    return f"{text}; without it {counted(t, lacking)}" if len(lacking) == 1 else text


def counted(t: Tuning, arms: Sequence[Mapping[str, Any]]) -> str:
    """The values that `arms` chose, in the order listed, with how many chose each."""
    counts = Counter(arm["value"] for arm in arms)
    order = [
        *(value for value in t["values"] if value in counts),
        *([None] if None in counts else []),
    ]
    names = {None: "not chosen yet"}
    if len(arms) == 1:
        return str(names.get(order[0], order[0]))
    return ", ".join(f"{names.get(value, value)} ×{counts[value]}" for value in order)


def _no_effects(t: Tuning) -> str:
    return f"No effect at the fixed value yet: {escape(t['at'].get('fixed_reason', ''))}"


def remarks(t: Tuning) -> list[str]:
    """What the reader should know: changed verdicts, edges of the range, missing and lost runs."""
    said = []
    for fixed, tuned in pairs(t):
        if tuned is not None and tuned["verdict"] != fixed["verdict"]:
            said.append(
                f"**{escape(fixed['label'])}**: {fixed['verdict']} at {escape(t['field'])}="
                f"{escape(t['fixed'])} for all, {tuned['verdict']} where each arm has its own."
            )
    if t["at"]["fixed"] is not None and t["at"]["tuned"] is None:
        said.append(f"No effect at the tuned values yet: {escape(t['at'].get('tuned_reason', ''))}")
    edges = [arm for arm in t["arms"] if arm["edge"]]
    if edges:
        said.append(
            f"In {len(edges)} of {len(t['arms'])} arms the best value is at the edge of the range: "
            f"widen it; a better one may lie beyond: {_named(edges)}."
        )
    tied = [arm for arm in t["arms"] if arm["tied"]]
    if tied:
        said.append(
            f"{len(tied)} arms have several best values; the one nearest {escape(t['fixed'])} "
            "(by ratio), then the first listed, was taken."
        )
    lost = sum(value["diverged"] for arm in t["arms"] for value in arm["values"])
    if lost:
        said.append(f"{lost} tuning runs diverged: each counts as an accuracy of chance.")
    waiting = [arm for arm in t["arms"] if arm["value"] is None]
    if waiting:
        missing = sum(value["missing"] for arm in waiting for value in arm["values"])
        said.append(
            f"{len(waiting)} arms have not chosen yet: {missing} of their tuning runs are missing "
            "or failed, and a choice is made on the whole budget only."
        )
    said.append(f"Chosen values over all arms: {escape(counted(t, t['arms']))}.")
    return said


def _named(arms: Sequence[Mapping[str, Any]], most: int = 12) -> str:
    text = ", ".join(f"{escape(arm['arm'])} ({escape(arm['value'])})" for arm in arms[:most])
    return text + (f" and {len(arms) - most} more" if len(arms) > most else "")


def choices(t: Tuning) -> str:
    """Mean validation accuracy of each value of each arm; "" for a crowd of arms."""
    if len(t["arms"]) > FEW_ARMS:
        return ""
    header = ["arm", *(f"{escape(t['field'])}={escape(value)}" for value in t["values"])]
    rows = []
    for arm in t["arms"]:
        row = [escape(arm["arm"])]
        for value in arm["values"]:
            text = plain(value["val_accuracy"])
            text += f" ({value['diverged']} diverged)" if value["diverged"] else ""
            row.append(f"**{text}**" if value["value"] == arm["value"] else text)
        notes = [f"{arm['edge']} value of the range: widen it"] if arm["edge"] else []
        notes += [f"tied with {escape(', '.join(arm['tied']))}"] if arm["tied"] else []
        rows.append([*row, "; ".join(notes)])
    return table([*header, ""], rows)


def _caption(t: Tuning) -> str:
    if len(t["arms"]) > FEW_ARMS:
        return ""
    return (
        f"*Validation accuracy (%) after the last epoch, mean over {_seeds(t)}; bold: chosen. The "
        "best of several means is lucky as well as good: expect less of it on other seeds.*"
    )


def cost(t: Tuning) -> str:
    """Runs and hours of tuning and of the study itself."""
    tuning, study = t["cost"]["tuning"], t["cost"]["study"]
    shared = t["cost"]["shared"]
    again = f", {shared} of them both fixed and tuned" if shared else ""
    return (
        f"Tuning took {tuning['runs']} runs, {tuning['core_hours']:.2f} core-hours of CPU and "
        f"{tuning['hours']:.2f} h of run time; the fixed and the tuned runs are "
        f"{study['runs']}{again}, {study['core_hours']:.2f} core-hours and {study['hours']:.2f} h."
    )


def _seeds(t: Tuning) -> str:
    return f"{t['seeds']} tuning seed{'s' if t['seeds'] > 1 else ''}"

"""Findings: the answer in sentences that cannot be misread."""

from __future__ import annotations

from typing import Any

from runner.reporting.markdown import escape, interval, signed
from runner.reporting.noise import scope
from runner.reporting.wording import alias_sets, alone, confidence, dependence, more_runs

Answer = dict[str, Any]  # what `Analysis.to_json` gives


def findings(a: Answer) -> list[str]:
    """Sentences, the surest and largest effects first, then what stays open, then warnings."""
    where = a["estimand"]
    said = []
    for verdict in ("helps", "hurts"):
        mine = [e for e in a["effects"] if e["verdict"] == verdict]
        for e in sorted(mine, key=lambda e: -abs(e["effect"])):
            said.append(
                f"**{escape(e['label'])} {verdict}** {escape(where)}, {scope(e)}: "
                f"{_estimate(a, e)}."
            )
    said += [_depends(a, e) for e in a["effects"] if e["verdict"] == "depends"]
    said += _listed(a)
    said += _possible(a)
    return said


def _estimate(a: Answer, e: Answer) -> str:
    """The effect with its interval: in general where the verdict holds there."""
    text = f"{signed(e['effect'])} {a['unit']}"
    if e["ci_low"] is None:
        return text
    shown = e["population"] if scope(e) == "in general" else e
    return f"{text} ({confidence(a)} interval {interval(shown['ci_low'], shown['ci_high'])})"


def _depends(a: Answer, e: Answer) -> str:
    """One sentence on a factor whose effect is another one beside another factor."""
    shown = e["depends_on"][:3]
    parts = []
    for on in shown:
        without = f"without {escape(on['label'])}"
        if on["label"] != on["factor"]:
            without = f"with {escape(on['factor'])}={escape(on['reference'])}"
        parts.append(
            f"{_brief(a, on['off'])} {without} but {_brief(a, on['on'])} with {escape(on['label'])}"
        )
    rest = len(e["depends_on"]) - len(shown)
    more = f"; and on {rest} more" if rest > 0 else ""
    said = f": {'; '.join(parts)}{more}" if parts else ""
    return (
        f"**{escape(e['label'])} {escape(dependence(a, e))}**{said}. Its average over the grid, "
        f"{_estimate(a, e)}, {'describes none of these' if parts else 'may describe no case'}."
    )


def _brief(a: Answer, e: Answer) -> str:
    spread = f" ({interval(e['ci_low'], e['ci_high'])})" if e["ci_low"] is not None else ""
    return f"{signed(e['effect'])} {a['unit']}{spread}"


def _listed(a: Answer) -> list[str]:
    """Negligible and undecided effects, one sentence each kind."""
    said = []
    negligible = [e for e in a["effects"] if e["verdict"] == "negligible"]
    if negligible:
        names = ", ".join(f"{escape(e['label'])} ({signed(e['effect'])})" for e in negligible)
        each = any(e["simultaneous"] == 1 for e in negligible) and len(a["effects"]) > 1
        said.append(
            f"**Negligible** ({confidence(a, 1)} interval within ±{a['negligible']:g} {a['unit']}, "
            f"{'each effect alone' if each else 'for all effects at once'}): {names}."
        )
    open_ = [e for e in a["effects"] if e["verdict"] == "undecided" and e["ci_low"] is not None]
    if open_:
        names = ", ".join(
            f"{escape(e['label'])} ({signed(e['effect'])}, {interval(e['ci_low'], e['ci_high'])}"
            f"{(why := alone(e)) and ': '}{why}{(more := more_runs(e)) and '; '}{more})"
            for e in open_
        )
        said.append(
            f"**Undecided**, which is not “no effect”: {names}. "
            "These runs can neither tell the sign nor call the effect negligible."
        )
    blind = [e for e in a["effects"] if e["effect"] is not None and e["ci_low"] is None]
    if blind:
        names = ", ".join(f"{escape(e['label'])} ({signed(e['effect'])})" for e in blind)
        reasons = "; ".join(dict.fromkeys(str(e["reason"]) for e in blind))
        said.append(f"**No interval, so no verdict**: {names}. Reason: {escape(reasons)}.")
    none = [e for e in a["effects"] if e["effect"] is None]
    if none:
        reasons = "; ".join(f"{escape(e['label'])}: {escape(e['reason'])}" for e in none)
        said.append(f"**Not estimable**: {reasons}.")
    return said


def _possible(a: Answer) -> list[str]:
    """Real interactions within sets that cannot be told apart."""
    size = {i["label"]: i for i in a["interactions"]}
    return [
        f"**Set {number}**: at least one of these interactions is real, and these runs cannot say "
        f"which: {escape(label)} ({_brief(a, size[label])})."
        for label, number in alias_sets(a).items()
    ]

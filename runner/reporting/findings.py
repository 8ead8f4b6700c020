"""Findings: the answer in sentences that cannot be misread."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from runner.designs.factor import PLACEBO
from runner.reporting.markdown import escape, interval, share, signed
from runner.reporting.noise import scope
from runner.reporting.wording import (
    alias_sets,
    alone,
    confidence,
    dependence,
    is_placebo,
    more_runs,
    reading,
    rough,
)

Answer = dict[str, Any]  # `to_json` of an `Analysis`
OPEN = 12  # undecided effects told in words
CASES = 2  # of what an effect depends on, told in words; a table has all


def findings(a: Answer, asked: Mapping[str, Any] | None = None) -> list[str]:
    """Sentences, the surest and largest effects first, then what stays open, then what was seen.

    asked: what the study asked for; with it the winner's remedy is a command to copy.
    """
    real = [e for e in a["effects"] if not is_placebo(e)]
    said = []
    for verdict in ("helps", "hurts"):
        mine = [e for e in real if e["verdict"] == verdict]
        said += [_decided(a, e) for e in sorted(mine, key=lambda e: -abs(e["effect"]))]
    said += [_depends(a, e) for e in real if e["verdict"] == "depends" and e["depends_on"]]
    said += _may_depend(a, real)
    said += _negligible(a, real)
    said += _undecided(a, real)
    said += _untold(real)
    said += [_placebo(a, e) for e in a["effects"] if is_placebo(e)]
    return [*said, *_seen(a), *_best(a, asked or {})]


def footnote(a: Answer, said: Iterable[str]) -> str:
    """By what the words of single cases go; "" where no finding has any."""
    if not any(f" it {word}: " in line for line in said for word in ("helps", "hurts")):
        return ""
    return (
        "*At the baseline and beside another factor, “helps” and “hurts” go by the "
        f"{confidence(a)} interval of that effect alone, not adjusted for how many there are.*"
    )


def _decided(a: Answer, e: Answer) -> str:
    text = (
        f"**{escape(e['label'])} {e['verdict']}** {escape(a['estimand'])}, {scope(e)}: "
        f"{_estimate(a, e)}"
    )
    return f"{text}{_at_baseline(a, e)}."


def _estimate(a: Answer, e: Answer) -> str:
    """The effect with its interval: in general where the verdict holds there."""
    text = f"{signed(e['effect'])} {a['unit']}"
    if e["ci_low"] is None:
        return text
    shown = e["population"] if scope(e) == "in general" else e
    return f"{text} ({confidence(a)} interval {interval(shown['ci_low'], shown['ci_high'])})"


def _brief(a: Answer, e: Answer) -> str:
    spread = f" ({interval(e['ci_low'], e['ci_high'])})" if e["ci_low"] is not None else ""
    return f"{signed(e['effect'])} {a['unit']}{spread}"


def _it(a: Answer, e: Answer) -> str:
    """`it helps: +1.90 pp (+1.40 to +2.50)`, by the interval of this effect alone."""
    word = reading(a, e)
    return f"it {word if word in ('helps', 'hurts') else 'is ' + word}: {_brief(a, e)}"


def _at_baseline(a: Answer, e: Answer) -> str:
    """What the trick does alone, where its average over the grid says something else."""
    found = e["at_baseline"]
    if not found or found["effect"] is None:
        return ""
    word = reading(a, found)
    if word == e["verdict"] and (word == "undecided" or found["effect"] * e["effect"] > 0):
        return ""
    return f"; at the baseline {_it(a, found)}"


def _depends(a: Answer, e: Answer) -> str:
    """A factor whose effect is another one beside another factor, with its cases."""
    parts = []
    for on in e["depends_on"][:CASES]:
        without = f"without {escape(on['label'])}"
        if on["label"] != on["factor"]:
            without = f"with {escape(on['factor'])}={escape(on['reference'])}"
        word = "and" if reading(a, on["off"]) == reading(a, on["on"]) else "but"
        parts.append(
            f"{without} {_it(a, on['off'])}, {word} with {escape(on['label'])} {_it(a, on['on'])}"
        )
    rest = len(e["depends_on"]) - CASES
    if rest > 0:
        parts.append(f"{rest} more case{'s' * (rest > 1)} in the table of effects that depend")
    return _nested(
        f"**{escape(e['label'])} {escape(dependence(a, e))}**{_at_baseline(a, e)}. Its average "
        f"over the grid, {_estimate(a, e)}, describes none of these:",
        parts,
    )


def _may_depend(a: Answer, effects: Iterable[Answer]) -> list[str]:
    """Effects with a real interaction that these runs cannot tell apart, and those sets."""
    mine = [e for e in effects if e["verdict"] == "depends" and not e["depends_on"]]
    lines = [
        f"{escape(e['label'])} {escape(dependence(a, e))}: {_estimate(a, e)}{_at_baseline(a, e)}"
        for e in mine
    ]
    said = []
    if mine:
        head = f"**May depend on another factor**, so that the effect {escape(a['estimand'])} may"
        said.append(_nested(f"{head} describe no case:", lines))
    size = {i["label"]: i for i in a["interactions"]}
    sets = [
        f"set {number}: {escape(label)}, in sum {_brief(a, size[label])}"
        for label, number in alias_sets(a).items()
    ]
    if sets:
        head = "**At least one interaction of each of these sets is real**, and these runs cannot"
        said.append(_nested(f"{head} say which:", sets))
    return said


def _negligible(a: Answer, effects: Iterable[Answer]) -> list[str]:
    mine = [e for e in effects if e["verdict"] == "negligible"]
    if not mine:
        return []
    names = ", ".join(
        f"{escape(e['label'])} ({signed(e['effect'])}{_at_baseline(a, e)})" for e in mine
    )
    each = any(e["simultaneous"] == 1 for e in mine) and len(a["effects"]) > 1
    return [
        f"**Negligible** ({confidence(a, 1)} interval within ±{a['negligible']:g} {a['unit']}, "
        f"{'each effect alone' if each else 'for all effects at once'}): {names}."
    ]


def _undecided(a: Answer, effects: Iterable[Answer]) -> list[str]:
    mine = [e for e in effects if e["verdict"] == "undecided" and e["ci_low"] is not None]
    if not mine:
        return []
    mine.sort(key=lambda e: -abs(e["effect"]))
    lines = []
    for e in mine[:OPEN]:
        notes = [more_runs(e), alone(e)]
        text = "; ".join([f"{escape(e['label'])}: {_brief(a, e)}", *filter(None, notes)])
        lines.append(text + _at_baseline(a, e))
    if len(mine) > OPEN:
        lines.append(f"and {len(mine) - OPEN} smaller ones, in the table below")
    head = "**Undecided**, which is not “no effect”: these runs can neither tell the sign nor call"
    head += " the effect negligible"
    if any(more_runs(e) for e in mine):
        whole = "of the whole design" if a["layout"] == "factorial" else "of its two arms together"
        head += f" (more runs: {whole}, roughly, if its true effect is what it seems)"
    return [_nested(f"{head}:", lines)]


def _untold(effects: list[Answer]) -> list[str]:
    """Effects without interval, and those that cannot be estimated, each with the reason."""
    said = []
    blind = [e for e in effects if e["effect"] is not None and e["ci_low"] is None]
    if blind:
        names = ", ".join(f"{escape(e['label'])} ({signed(e['effect'])})" for e in blind)
        reasons = "; ".join(dict.fromkeys(str(e["reason"]) for e in blind))
        said.append(f"**No interval, so no verdict**: {names}. Reason: {escape(reasons)}.")
    none = [e for e in effects if e["effect"] is None]
    if none:
        reasons = "; ".join(f"{escape(e['label'])}: {escape(e['reason'])}" for e in none)
        said.append(f"**Not estimable**: {reasons}.")
    return said


def _placebo(a: Answer, e: Answer) -> str:
    head = "**Placebo**, a factor that changes nothing: its true effect is 0"
    if e["effect"] is None:
        return f"{head}. Not estimable: {escape(e['reason'])}."
    if e["verdict"] in ("helps", "hurts", "depends"):
        return (
            f"{head}. Yet it comes out as “{e['verdict']}”, {_brief(a, e)}: by chance, as in about "
            "one study in twenty, or because its column is mixed with an interaction of more "
            "factors. Doubt effects that are no larger."
        )
    return f"{head}. Measured: {_brief(a, e)}: so large does noise alone look here."


def _seen(a: Answer) -> list[str]:
    """The minimum detectable effect."""
    found = a.get("detectable")
    if not found:
        return []
    low, high = (rough(found[end]) for end in ("low", "high"))
    worst = "" if low == high else f" (for the noisiest of them {high} {a['unit']})"
    if a["unit"] == "pp" and found["low"] > 100:
        return [
            f"**What these runs could see** with {share(found['power'])} power: no effect at all, "
            f"it would have to be {low} pp; more runs are needed before any verdict."
        ]
    return [
        f"**What these runs could see**: effects of {low} {a['unit']} or more{worst} with "
        f"{share(found['power'])} power; a smaller one would most probably stay undecided."
    ]


def _best(a: Answer, asked: Mapping[str, Any]) -> list[str]:
    """The arm most likely to be the best, and what to do about the winner's curse."""
    found = a.get("best")
    if not found or not found["arms"]:
        return []
    first, *others = found["arms"]
    chance = f"{escape(first['label'])} with probability {share(first['probability'])}"
    if first["probability"] >= 0.5:
        text = f"**Best arm**: {chance} of being the best of {len(a['arms'])}"
    else:
        text = f"**No arm stands out as the best**: {chance}"
        text += "".join(
            f", {escape(arm['label'])} {share(arm['probability'])}" for arm in others[:2]
        )
    if PLACEBO in first["levels"] and PLACEBO in first["label"]:
        text += " (the placebo in it changes nothing)"
    if found["assumes"]:
        text += f", if {found['assumes']}"
    if first["label"] == "baseline" or asked.get("confirm"):
        return [text + "."]
    text += ". The best of many is lucky as well as good"
    name = str(asked.get("name") or "")
    if asked.get("tune") or not re.fullmatch(r"[\w.-]+", name):
        return [f"{text}: train it again on fresh seeds."]
    return [
        f"{text}: `tricks-bench run --confirm --study {name}` trains the arm of best validation "
        "accuracy again on fresh seeds."
    ]


def _nested(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, *(f"  - {line}" for line in lines)])

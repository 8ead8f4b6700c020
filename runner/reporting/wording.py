"""Words that the report and the command line share, for what `Analysis.to_json` gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.analysis.data.estimates import Estimate
from runner.analysis.verdicts import Rules, verdict

PLACEBO = "placebo"  # the factor whose true effect is zero


def is_placebo(effect: Mapping[str, Any]) -> bool:
    """Whether this is the effect of the factor that changes nothing.

    >>> is_placebo({"factor": "placebo"}), is_placebo({"factor": "mixup"})
    (True, False)
    """
    return str(effect["factor"]) == PLACEBO


def reading(answer: Mapping[str, Any], estimate: Mapping[str, Any]) -> str:
    """The verdict by the interval of an effect alone: it decides both the sign and the margin.

    >>> a = {"larger_is_better": True, "negligible": 0.2}
    >>> reading(a, {"ci_low": 0.1, "ci_high": 2.0}), reading(a, {"ci_low": -0.1, "ci_high": 0.1})
    ('helps', 'negligible')
    """
    low, high = estimate["ci_low"], estimate["ci_high"]
    if low is None or high is None:
        return "undecided"
    rules = Rules(answer["negligible"] or None, answer["larger_is_better"])
    p = 1.0 if low <= 0 <= high else 0.0
    return verdict(Estimate((low + high) / 2), p, (low, high), rules)


def df_text(ends: Sequence[float] | None) -> str:
    """The df of a table's intervals, as one number or a range; "" if it has none.

    >>> df_text([8.2, 135.0]), df_text([10, 10])
    ('intervals with 8 to 135 df', 'intervals with 10 df')
    """
    if ends is None:
        return ""
    low, high = (f"{x:.0f}" if x >= 1.5 else f"{x:.1f}" for x in ends)
    return f"intervals with {low} df" if low == high else f"intervals with {low} to {high} df"


def confidence(answer: Mapping[str, Any], sides: int = 2) -> str:
    """The confidence of the intervals; sides=1: of those within which an effect is negligible.

    >>> confidence({"level": 0.05}), confidence({"level": 0.05}, 1), confidence({"level": 0.0184})
    ('95 %', '90 %', '98.2 %')
    """
    return f"{100 * (1 - answer['level'] * 2 / sides):.3g} %"


def alias_sets(answer: Mapping[str, Any]) -> dict[str, int]:
    """Alias strings of the real interactions on which effects may depend, numbered from 1.

    answer: what `Analysis.to_json` gives.
    """
    found = dict.fromkeys(text for e in answer["effects"] for text in e["may_depend_on"])
    return {text: i + 1 for i, text in enumerate(found)}


def dependence(answer: Mapping[str, Any], effect: Mapping[str, Any]) -> str:
    """On what an effect depends, in words: `depends on X; may depend on Y (set 1)`.

    A set's interactions cannot be told apart and at least one is real; so the effect may depend
    on its partner in the set.
    """
    numbers = alias_sets(answer)
    terms = {i["label"]: i["terms"] for i in answer["interactions"]}
    sure = [str(on["label"]) for on in effect["depends_on"]]
    maybe = []
    for text in effect["may_depend_on"]:
        mine = [set(t) - {effect["label"]} for t in terms[text] if effect["label"] in t]
        partners = " or ".join(sorted(set.union(*mine)))
        maybe.append(f"{partners} (set {numbers[text]})")
    parts = [f"depends on {', '.join(sure)}"] if sure else []
    return "; ".join(parts + ([f"may depend on {', '.join(maybe)}"] if maybe else []))


def alone(effect: Mapping[str, Any]) -> str:
    """Why an effect is undecided although its interval excludes 0; "" if neither is so.

    effect: what `Effect.to_json` gives.
    """
    low, high = effect["ci_low"], effect["ci_high"]
    if effect["verdict"] != "undecided" or low is None or low <= 0 <= high:
        return ""
    return "alone its interval excludes 0, after the adjustment for all effects it does not"


def more_runs(effect: Mapping[str, Any]) -> str:
    """About how many more runs would decide an undecided effect; "" if it is decided or unknown.

    >>> more_runs({"to_decide": {"runs": 134, "to": "effect", "reason": None}})
    'about 130 more runs'
    """
    runs = (effect.get("to_decide") or {}).get("runs")
    if not runs:
        return ""
    rounded = runs if runs < 20 else int(float(f"{runs:.2g}"))
    return f"about {rounded:,} more run{'s' if rounded > 1 else ''}"


def odds(answer: Mapping[str, Any]) -> list[str]:
    """Effects on the logit scale as odds ratios, one line each."""
    lines = []
    for effect in answer["effects"]:
        ratio = effect.get("odds_ratio")
        if ratio:
            spread = "" if ratio["low"] is None else f" ({ratio['low']:.3g} to {ratio['high']:.3g})"
            lines.append(f"{effect['label']}: odds ratio {ratio['ratio']:.3g}{spread}")
    return lines


def _cut(label: str, most: int = 100) -> str:
    """An arm's name, without its last tricks where it has very many."""
    if len(label) <= most:
        return label
    head = label[: label.rfind(" + ", 0, most)]
    return f"{head} + {label[len(head) :].count(' + ')} more"


def rough(size: float) -> str:
    """A size to two digits, or to whole units.

    >>> rough(0.4321), rough(2.96), rough(173.2)
    ('0.43', '3', '173')
    """
    return f"{size:.2g}" if abs(size) < 99.5 else f"{size:,.0f}"


def beyond(answer: Mapping[str, Any], most: int = 3) -> list[str]:
    """What the runs say beside the effects: what they could see, contrasts above noise, P(best)."""
    lines = []
    seen, contrasts, winner = (answer.get(x) for x in ("detectable", "half_normal", "best"))
    if seen:
        low, high = (rough(seen[end]) for end in ("low", "high"))
        size = low if low == high else f"{low} to {high}"
        lines.append(
            f"detectable with {seen['power']:.0%} probability: an effect of {size} {answer['unit']}"
        )
    if contrasts:
        above = [c["label"] for c in reversed(contrasts["contrasts"]) if c["above"]]
        lines.append(
            f"above Lenth's simultaneous margin ({contrasts['simultaneous_margin']:.3g}): "
            f"{', '.join(above[:8]) or 'nothing'}"
            + (f" and {len(above) - 8} more" if len(above) > 8 else "")
        )
    if winner:
        first = ", ".join(
            f"{_cut(arm['label'])} {arm['probability']:.0%}" for arm in winner["arms"][:most]
        )
        given = f", if {winner['assumes']}" if winner["assumes"] else ""
        lines.append(f"P(best): {first}{given}. {winner['note']}")
    return lines

"""Words that the report and the command line share."""

from __future__ import annotations

from collections.abc import Sequence

from runner.analysis.data.estimates import percent
from runner.analysis.effects import Effect
from runner.analysis.power import MoreRuns
from runner.analysis.result import Analysis
from runner.designs.factor import PLACEBO
from runner.text import some_of


def is_placebo(effect: Effect) -> bool:
    """Whether this is the effect of the placebo factor."""
    return effect.factor == PLACEBO


def df_text(ends: Sequence[float] | None) -> str:
    """The df of a table's intervals, as one number or a range; "" if it has none.

    >>> df_text([8.2, 135.0]), df_text([10, 10])
    ('intervals with 8 to 135 df', 'intervals with 10 df')
    """
    if ends is None:
        return ""
    low, high = (f"{x:.0f}" if x >= 1.5 else f"{x:.1f}" for x in ends)
    return f"intervals with {low} df" if low == high else f"intervals with {low} to {high} df"


def confidence(analysis: Analysis, sides: int = 2) -> str:
    """The confidence of the intervals in per cent; sides=1: of the intervals for *negligible*."""
    return percent(1 - analysis.level * 2 / sides)


def alias_sets(analysis: Analysis) -> dict[str, int]:
    """Alias strings of the real interactions on which effects may depend, numbered from 1."""
    found = dict.fromkeys(text for e in analysis.effects for text in e.may_depend_on)
    return {text: i + 1 for i, text in enumerate(found)}


def dependence(analysis: Analysis, effect: Effect) -> str:
    """The factors on which an effect depends: `depends on X; may depend on Y (set 1)`.

    The runs cannot tell the interactions of a set apart, and at least one of them is real. So the
    effect may depend on its partner in the set.
    """
    numbers = alias_sets(analysis)
    terms = {i.label: i.terms for i in analysis.interactions}
    sure = [on.label for on in effect.depends_on]
    maybe = []
    for text in effect.may_depend_on:
        mine = [set(t) - {effect.label} for t in terms[text] if effect.label in t]
        partners = " or ".join(sorted(set.union(*mine)))
        maybe.append(f"{partners} (set {numbers[text]})")
    parts = [f"depends on {', '.join(sure)}"] if sure else []
    return "; ".join(parts + ([f"may depend on {', '.join(maybe)}"] if maybe else []))


def alone(effect: Effect) -> str:
    """Why an effect is undecided although its interval excludes 0; "" for other effects."""
    low, high = effect.ci_low, effect.ci_high
    if effect.verdict != "undecided" or low is None or high is None or low <= 0 <= high:
        return ""
    return "its interval alone excludes 0, but not after the adjustment for all effects"


def more_runs(needed: MoreRuns | None) -> str:
    """About how many more runs would decide an undecided effect; "" if it is decided or unknown.

    >>> more_runs(MoreRuns(134))
    'about 130 more runs'
    """
    runs = needed.runs if needed else None
    if not runs:
        return ""
    rounded = runs if runs < 20 else int(float(f"{runs:.2g}"))
    return f"about {rounded:,} more run{'s' if rounded > 1 else ''}"


def odds(analysis: Analysis) -> list[str]:
    """Effects on the logit scale as odds ratios, one line each."""
    lines = []
    for effect in analysis.effects:
        ratio = effect.odds_ratio
        if ratio:
            spread = "" if ratio.low is None else f" ({ratio.low:.3g} to {ratio.high:.3g})"
            lines.append(f"{effect.label}: odds ratio {ratio.ratio:.3g}{spread}")
    return lines


def _cut(label: str, most: int = 100) -> str:
    """An arm's name; a long name loses its last tricks and ends in their number."""
    if len(label) <= most:
        return label
    head = label[: label.rfind(" + ", 0, most)]
    return f"{head} + {label[len(head) :].count(' + ')} more"


def rough(size: float) -> str:
    """A size to two digits; from 99.5 on, to whole units.

    >>> rough(0.4321), rough(2.96), rough(173.2)
    ('0.43', '3', '173')
    """
    return f"{size:.2g}" if abs(size) < 99.5 else f"{size:,.0f}"


def beyond(analysis: Analysis, most: int = 3) -> list[str]:
    """Lines beside the effects: the detectable effect, contrasts above noise, P(best)."""
    lines = []
    seen, found, winner = analysis.detectable, analysis.half_normal, analysis.best
    if seen:
        low, high = rough(seen.low), rough(seen.high)
        size = low if low == high else f"{low} to {high}"
        lines.append(
            f"detectable with {seen.power:.0%} probability: an effect of {size} {analysis.unit}"
        )
    if found:
        above = [c.label for c in reversed(found.contrasts) if c.above]
        lines.append(
            f"above Lenth's simultaneous margin ({found.simultaneous_margin:.3g}): "
            f"{some_of(above, 8) or 'nothing'}"
        )
    if winner:
        first = ", ".join(f"{_cut(arm.label)} {arm.probability:.0%}" for arm in winner.arms[:most])
        given = f", if {winner.assumes}" if winner.assumes else ""
        lines.append(f"P(best): {first}{given}. {winner.note}")
    return lines

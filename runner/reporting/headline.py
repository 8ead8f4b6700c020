"""The answer in three short texts: decided effects, open effects, and the recipe to use."""

from __future__ import annotations

from collections.abc import Sequence

from runner.analysis.effects import Effect
from runner.analysis.result import Analysis
from runner.reporting.document import Strong, Text
from runner.reporting.material import Material
from runner.reporting.next_steps import recipe_text
from runner.reporting.numbers import interval, share, signed
from runner.reporting.wording import confidence, is_placebo, rough
from runner.text import some_of

MOST_NAMED = 4  # effects named with their numbers


def headline(m: Material) -> tuple[Text, Text, Text]:
    """Decided effects, open effects, recommended recipe."""
    return _decided(m.analysis), _open(m.analysis), recipe_text(m)


def _decided(a: Analysis) -> Text:
    real = [e for e in a.effects if not is_placebo(e)]
    parts: list[Text] = []
    for verdict, words in (("helps", ("helps", "help")), ("hurts", ("hurts", "hurt"))):
        mine = [e for e in real if e.verdict == verdict]
        if mine:
            parts += [_named(a, mine), " ", Strong(words[len(mine) > 1]), "; "]
    depending = [e.label for e in real if e.verdict == "depends"]
    if not parts and depending:
        names = ", ".join(depending[:MOST_NAMED]) + (", …" if len(depending) > MOST_NAMED else "")
        what = (
            Strong("depend"),
            f" on another factor ({names}): their averages describe no single case.",
        )
        return (f"{len(depending)} of {len(real)} effects on {a.title} ", *what)
    if not parts:
        return f"No effect on {a.title} {a.estimand} is distinguishable from zero."
    held = "for all effects at once" if any(e.simultaneous > 1 for e in real) else "each alone"
    where = f"{confidence(a)} intervals, {held}, effects {a.estimand}."
    return (f"On {a.title} ", *parts, where)


def _named(a: Analysis, effects: Sequence[Effect]) -> str:
    ranked = sorted(effects, key=lambda e: -abs(e.effect or 0.0))
    first = ranked[0]
    texts = [f"{e.label} ({signed(e.effect)} {a.unit})" for e in ranked]
    if first.ci_low is not None:
        spread = interval(first.ci_low, first.ci_high)
        texts[0] = f"{first.label} ({signed(first.effect)} {a.unit}, {spread})"
    return some_of(texts, MOST_NAMED)


def _open(a: Analysis) -> Text:
    real = [e for e in a.effects if not is_placebo(e)]
    told = []
    for verdict, words in (
        ("depends", "depend on another factor"),
        ("negligible", "are negligible"),
        ("undecided", "are undecided"),
    ):
        mine = [e.label for e in real if e.verdict == verdict]
        if mine:
            told.append(f"{len(mine)} {words} ({some_of(mine, MOST_NAMED)})")
    said = f"Of {len(real)} effects {'; '.join(told)}." if told else "No effect is left undecided."
    seen = a.detectable
    if seen is None:
        return said
    said += f" These runs could detect effects of {rough(seen.low)} {a.unit} or more"
    return f"{said} ({share(seen.power)} power)."

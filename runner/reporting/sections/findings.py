"""Findings: the answer in sentences that cannot be misread."""

from __future__ import annotations

from collections.abc import Iterable

from runner.analysis.effects import Effect, Estimated
from runner.analysis.result import Analysis
from runner.analysis.verdicts import DECIDED
from runner.designs.factor import PLACEBO
from runner.designs.layout import FACTORIAL
from runner.records.study_toml import StudyToml
from runner.reporting.contents import section
from runner.reporting.document import (
    Item,
    Items,
    Note,
    Section,
    Strong,
    Text,
    present,
    unmarked,
)
from runner.reporting.material import Material
from runner.reporting.next_steps import next_steps
from runner.reporting.noise_sentences import scope
from runner.reporting.numbers import interval, share, signed
from runner.reporting.wording import (
    alias_sets,
    alone,
    confidence,
    dependence,
    is_placebo,
    more_runs,
    rough,
)

OPEN = 12  # undecided effects listed one by one
CASES = 2  # dependences of an effect in words; a table has all of them


@section(place=20)
def findings(m: Material) -> Section:
    """The sentences, and a note on the intervals behind “helps” and “hurts”."""
    said = sentences(m.analysis, m.asked)
    told = present(Items(tuple(said)), footnote(m.analysis, said), next_steps(m))
    return Section("Findings", told)


def sentences(a: Analysis, asked: StudyToml) -> list[Item]:
    """Sentences: decided effects, largest first; open effects; the detectable effect; best arm.

    asked: the study's request.
    """
    real = [e for e in a.effects if not is_placebo(e)]
    said = []
    for verdict in DECIDED:
        mine = [e for e in real if e.verdict == verdict]
        said += [_decided(a, e) for e in sorted(mine, key=_smallness)]
    said += [_depends(a, e) for e in real if e.verdict == "depends" and e.depends_on]
    said += _may_depend(a, real)
    said += _negligible(a, real)
    said += _undecided(a, real)
    said += _untold(real)
    said += [_placebo(a, e) for e in a.effects if is_placebo(e)]
    return [*said, *_seen(a), *_best(a, asked)]


def footnote(a: Analysis, said: Iterable[Item]) -> Note | None:
    """A note on the intervals behind “helps” and “hurts” of single cases; None without any."""
    lines = [unmarked(line.text) for item in said for line in (item, *item.items)]
    if not any(f" it {word}: " in line for line in lines for word in ("helps", "hurts")):
        return None
    return Note(
        "For effects at the baseline and at a level of another factor, “helps” and “hurts” use "
        f"the {confidence(a)} interval of that effect alone, without adjustment for the number "
        "of effects."
    )


def _decided(a: Analysis, e: Effect) -> Item:
    said = f" {a.estimand}, {scope(e)}: {_estimate(a, e)}{_at_baseline(a, e)}."
    return Item((Strong(f"{e.label} {e.verdict}"), said))


def _estimate(a: Analysis, e: Effect) -> str:
    """The effect with its interval; the interval in general if the verdict holds in general."""
    text = f"{signed(e.effect)} {a.unit}"
    if e.ci_low is None:
        return text
    general = e.population if scope(e) == "in general" else None
    shown = general or e
    return f"{text} ({confidence(a)} interval {interval(shown.ci_low, shown.ci_high)})"


def _smallness(e: Effect) -> float:
    """Sorts the largest effects first."""
    return -abs(e.effect or 0.0)


def _brief(a: Analysis, e: Estimated) -> str:
    spread = f" ({interval(e.ci_low, e.ci_high)})" if e.ci_low is not None else ""
    return f"{signed(e.effect)} {a.unit}{spread}"


def _it(a: Analysis, e: Estimated) -> str:
    """`it helps: +1.90 pp (+1.40 to +2.50)`, by the interval of this effect alone."""
    word = a.verdict_alone(e)
    return f"it {word if word in DECIDED else 'is ' + word}: {_brief(a, e)}"


def _at_baseline(a: Analysis, e: Effect) -> str:
    """The effect at the baseline, if its verdict differs from that of the grid's average."""
    found = e.at_baseline
    if not found or found.effect is None:
        return ""
    word = a.verdict_alone(found)
    same = found.effect * (e.effect or 0.0) > 0
    if word == e.verdict and (word == "undecided" or same):
        return ""
    return f"; at the baseline {_it(a, found)}"


def _depends(a: Analysis, e: Effect) -> Item:
    """An effect that depends on other factors, with its simple effects."""
    parts = []
    for on in e.depends_on[:CASES]:
        without = f"without {on.label}"
        if on.label != on.factor:
            without = f"with {on.factor}={on.reference}"
        word = "and" if a.verdict_alone(on.off) == a.verdict_alone(on.on) else "but"
        parts.append(f"{without} {_it(a, on.off)}, {word} with {on.label} {_it(a, on.on)}")
    rest = len(e.depends_on) - CASES
    if rest > 0:
        parts.append(f"{rest} more case{'s' * (rest > 1)} in the table of effects that depend")
    said = (
        f"{_at_baseline(a, e)}. Its average over the grid, {_estimate(a, e)}, describes none of "
        "these cases:"
    )
    return _nested((Strong(f"{e.label} {dependence(a, e)}"), said), parts)


def _may_depend(a: Analysis, effects: Iterable[Effect]) -> list[Item]:
    """Effects with a real interaction in an alias set, and the alias sets."""
    mine = [e for e in effects if e.verdict == "depends" and not e.depends_on]
    lines = [f"{e.label} {dependence(a, e)}: {_estimate(a, e)}{_at_baseline(a, e)}" for e in mine]
    found = []
    if mine:
        head = Strong("May depend on another factor")
        said = f", so the effect {a.estimand} may describe no single case:"
        found.append(_nested((head, said), lines))
    size = {i.label: i for i in a.interactions}
    sets = [
        f"set {number}: {label}, in sum {_brief(a, size[label])}"
        for label, number in alias_sets(a).items()
    ]
    if sets:
        head = Strong("At least one interaction of each of these sets is real")
        found.append(_nested((head, "; these runs cannot say which:"), sets))
    return found


def _negligible(a: Analysis, effects: Iterable[Effect]) -> list[Item]:
    mine = [e for e in effects if e.verdict == "negligible"]
    if not mine:
        return []
    names = ", ".join(f"{e.label} ({signed(e.effect)}{_at_baseline(a, e)})" for e in mine)
    each = any(e.simultaneous == 1 for e in mine) and len(a.effects) > 1
    said = (
        f" ({confidence(a, 1)} interval within ±{a.negligible:g} {a.unit}, "
        f"{'each effect alone' if each else 'for all effects at once'}): {names}."
    )
    return [Item((Strong("Negligible"), said))]


def _undecided(a: Analysis, effects: Iterable[Effect]) -> list[Item]:
    mine = [e for e in effects if e.verdict == "undecided" and e.ci_low is not None]
    if not mine:
        return []
    mine.sort(key=_smallness)
    lines = []
    for e in mine[:OPEN]:
        notes = [more_runs(e.to_decide), alone(e)]
        text = "; ".join([f"{e.label}: {_brief(a, e)}", *filter(None, notes)])
        lines.append(text + _at_baseline(a, e))
    if len(mine) > OPEN:
        lines.append(f"and {len(mine) - OPEN} smaller effects, in the table below")
    said = ". This does not mean “no effect”: these runs show neither the sign of the effect nor "
    said += "that it is negligible."
    if any(more_runs(e.to_decide) for e in mine):
        whole = "of the whole design" if a.layout == FACTORIAL else "of its two arms together"
        said += f" “More runs” counts runs {whole}; it is a rough number that takes the estimated "
        said += "effect as the true effect."
    return [_nested((Strong("Undecided"), said), lines)]


def _untold(effects: list[Effect]) -> list[Item]:
    """Effects without an interval, and effects that cannot be estimated, with reasons."""
    said = []
    blind = [e for e in effects if e.effect is not None and e.ci_low is None]
    if blind:
        names = ", ".join(f"{e.label} ({signed(e.effect)})" for e in blind)
        reasons = "; ".join(dict.fromkeys(e.reason for e in blind if e.reason))
        head = Strong("No interval, so no verdict")
        said.append(Item((head, f": {names}. Reason: {reasons}.")))
    none = [e for e in effects if e.effect is None]
    if none:
        reasons = "; ".join(f"{e.label}: {e.reason}" for e in none)
        said.append(Item((Strong("Not estimable"), f": {reasons}.")))
    return said


def _placebo(a: Analysis, e: Effect) -> Item:
    head = (Strong("Placebo"), ", a factor that changes only random draws: its true effect is 0")
    if e.effect is None:
        return Item((head, f". Not estimable: {e.reason}."))
    if e.verdict in (*DECIDED, "depends"):
        said = (
            f". Its verdict here is “{e.verdict}”, {_brief(a, e)}. This happens by chance in "
            "about one study in twenty, or because its column is aliased with an interaction of "
            "more factors. Doubt effects that are no larger."
        )
        return Item((head, said))
    return Item((head, f". Measured: {_brief(a, e)}, which shows the size of pure noise."))


def _seen(a: Analysis) -> list[Item]:
    """The smallest effect that these runs detect."""
    found = a.detectable
    if not found:
        return []
    low, high = rough(found.low), rough(found.high)
    worst = "" if low == high else f" ({high} {a.unit} for the noisiest effect)"
    head, power = Strong("What these runs can detect"), share(found.power)
    if a.unit == "pp" and found.low > 100:
        said = (
            f" with {power} power: no possible effect, since only {low} pp would be enough. Any "
            "verdict needs more runs."
        )
        return [Item((head, said))]
    said = (
        f": effects of {low} {a.unit} or more{worst} with {power} power. A smaller effect "
        "probably stays undecided."
    )
    return [Item((head, said))]


def _best(a: Analysis, asked: StudyToml) -> list[Item]:
    """The arm most likely to be the best, with a warning of the winner's curse."""
    found = a.best
    if not found or not found.arms:
        return []
    first, *others = found.arms
    said = f": {first.label} with probability {share(first.probability)}"
    if first.probability >= 0.5:
        head = Strong("Best arm")
        said += f" of being the best of {len(a.arms)}"
    else:
        head = Strong("No arm stands out as the best")
        said += "".join(f", {arm.label} {share(arm.probability)}" for arm in others[:2])
    if PLACEBO in first.levels and PLACEBO in first.label:
        said += " (the placebo in it changes nothing)"
    if found.assumes:
        said += f", if {found.assumes}"
    if first.label == "baseline" or asked.confirm:
        return [Item((head, f"{said}."))]
    return [Item((head, f"{said}. The best of many arms is lucky as well as good."))]


def _nested(head: Text, lines: Iterable[str]) -> Item:
    return Item(head, tuple(map(Item, lines)))

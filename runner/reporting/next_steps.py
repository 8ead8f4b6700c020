"""The section "What to do next": the recommended recipe, and commands with their costs."""

from __future__ import annotations

from runner.analysis.recommended import Recommended
from runner.planning.next_steps import Step
from runner.records.json_values import JsonValue
from runner.reporting.document import Code, Item, Items, Paragraph, Section, Strong, Text
from runner.reporting.material import Material
from runner.reporting.numbers import interval, share, signed
from runner.reporting.wording import confidence

TITLE = "What to do next"


def next_steps(m: Material) -> Section | None:
    """The recommended recipe and the next steps; None where there are neither."""
    steps = tuple(Item(_told(step)) for step in m.steps)
    recipe = recipe_text(m)
    if not steps and isinstance(m.recommended, str):
        return None
    return Section(TITLE, (Paragraph(recipe), *((Items(steps),) if steps else ())))


def recipe_text(m: Material) -> Text:
    """The recommended recipe with its estimated gain and certainty; or why there is none."""
    found = m.recommended
    head = Strong("Recommended recipe")
    if isinstance(found, str):
        return (head, f": none can be named, since {found}.")
    if found.is_baseline:
        said = ": the baseline. By validation accuracy no arm is distinguishably better"
        cheaper = "" if found.best == "baseline" else ", and the best arm costs more"
        return (head, f"{said}{cheaper}.")
    return (
        head,
        ": ",
        Strong(found.label.removeprefix("winner=")),
        _tuned(m, found),
        _why(found),
        _promise(m, found),
    )


def _tuned(m: Material, found: Recommended) -> str:
    """The value that the arm chose in a tuned study."""
    if m.tuning is None or m.stage != "tuned":
        return ""
    tuning = m.tuning.tuning
    best = next((arm.choice.best for arm in tuning.arms if arm.levels == found.levels), None)
    return "" if best is None else f" at {tuning.field}={best}"


def _why(found: Recommended) -> str:
    if found.alike == 1:
        return f", the best of {found.of} arms by validation accuracy."
    others = f"{found.alike} of the {found.of} arms"
    if found.best == found.label:
        said = ", the best by validation accuracy. Validation accuracy cannot tell"
        return f"{said} {others} apart, but no other arm among them is clearly cheaper."
    said = f". Validation accuracy cannot tell {others} apart; this arm is the best of the cheap"
    return f"{said} ones among them (best of all: {found.best})."


def _promise(m: Material, found: Recommended) -> str:
    a, gain = m.analysis, found.gain
    if gain is None:
        return ""
    said = f" Estimated gain over the baseline: {signed(gain.value, 1)} {a.unit} {a.metric} "
    ends = interval(gain.low, gain.high, 1)
    said += f"({confidence(a)} interval {ends}, shrunk towards the other arms)"
    said += f", at {found.time:.2f}× the training time." if found.time else "."
    if found.sure is not None:
        said += f" Probability of being better on validation: {share(found.sure)}."
    return said


def _told(step: Step) -> Text:
    if step.command is None:
        return step.suggestion
    cost = f" ({step.cost})" if step.cost else ""
    return (f"{step.suggestion} ", Code(step.command), f"{cost}")


def advice(m: Material) -> dict[str, JsonValue]:
    """As JSON: `recommended`, null with `recommended_reason` where there is none, and `next`."""
    found = m.recommended
    steps: list[JsonValue] = [
        {
            "what": step.suggestion,
            "command": step.command,
            "runs": step.runs,
            "seconds": step.seconds,
        }
        for step in m.steps
    ]
    if isinstance(found, str):
        return {"recommended": None, "recommended_reason": found, "next": steps}
    gain = found.gain
    recipe: dict[str, JsonValue] = {
        "label": found.label,
        "levels": dict(found.levels),
        "best": found.best,
        "alike": found.alike,
        "arms": found.of,
        "time_ratio": found.time,
        "gain": None if gain is None else gain.value,
        "ci_low": None if gain is None else gain.low,
        "ci_high": None if gain is None else gain.high,
        "p_better_on_validation": found.sure,
    }
    return {"recommended": recipe, "next": steps}

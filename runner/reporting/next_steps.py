"""What to do next, as a document says it: the recommended recipe, and commands with their costs."""

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
    """The recipe and the steps; None where neither can be named."""
    steps = tuple(Item(_told(step)) for step in m.steps)
    recipe = recipe_text(m)
    if not steps and isinstance(m.recommended, str):
        return None
    return Section(TITLE, (Paragraph(recipe), *((Items(steps),) if steps else ())))


def recipe_text(m: Material) -> Text:
    """The recommended recipe, what it promises and how sure that is; or why there is none."""
    found = m.recommended
    head = Strong("Recommended recipe")
    if isinstance(found, str):
        return (head, f": none can be named, since {found}.")
    if found.is_baseline:
        said = ": the baseline. By validation accuracy no arm is distinguishably better"
        cheaper = "" if found.best == "baseline" else ", and the best one costs more"
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
        said = f", the best by validation accuracy; that cannot tell {others} apart, but none of"
        return f"{said} the others is clearly cheaper."
    said = f", the best of the cheap ones among {others} that validation accuracy cannot tell apart"
    return f"{said} (best of all: {found.best})."


def _promise(m: Material, found: Recommended) -> str:
    a, gain = m.analysis, found.gain
    if gain is None:
        return ""
    said = f" It promises {signed(gain.value, 1)} {a.unit} {a.metric} over the baseline "
    ends = interval(gain.low, gain.high, 1)
    said += f"({confidence(a)} interval {ends}, drawn towards the other arms)"
    if found.sure is not None:
        said += f" and is better on validation with probability {share(found.sure)}"
    return said + (f", at {found.time:.2f}× the training time." if found.time else ".")


def _told(step: Step) -> Text:
    if step.command is None:
        return step.what
    cost = f" ({step.cost})" if step.cost else ""
    return (f"{step.what} ", Code(step.command), f"{cost}")


def advice(m: Material) -> dict[str, JsonValue]:
    """As JSON: `recommended`, null with `recommended_reason` where there is none, and `next`."""
    found = m.recommended
    steps: list[JsonValue] = [
        {"what": step.what, "command": step.command, "runs": step.runs, "seconds": step.seconds}
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

"""A planned look of a sequential study as text, and the end of a sequential study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from runner.analysis.metrics.registry import CHOOSES
from runner.records.layout import results_option
from runner.text import counted

if TYPE_CHECKING:
    from runner.launch.outcome import Outcome
    from runner.records.run import Spec
    from runner.studies.any_study import AnyStudy
    from runner.studies.judged import Look


def look_line(study: AnyStudy[Spec], look: Look) -> str:
    """How many effects are decided, which are open, and how many runs the open effects need."""
    assert study.looks is not None
    looks, width = study.looks.seeds, study.looks.half_width
    head = f"look {look.number} of {len(looks)} ({counted(look.seeds, 'seed')} of each arm)"
    if look.reason:
        return f"{head}: {look.reason}"
    closed = look.effects - len(look.open) - len(look.unknown)
    what = "decided" if width is None else f"known to ±{width:g} pp"
    text = f"{head}: {closed} of {look.effects} effects {what} on {CHOOSES}"
    if look.unknown:
        text += f"; cannot be estimated: {', '.join(look.unknown)}"
    if look.open:
        text += f"; open: {', '.join(look.open)}"
        more = look.wanted
        budget = study.design.total(looks[-1]) - study.design.total(look.seeds)
        if more is None:
            text += "; how many more runs they need is not known yet"
        else:
            over = f", but the budget has {budget:,} left" if more > budget > 0 else ""
            text += f"; about {more:,} more runs{over}"
    return text


def end_lines(outcome: Outcome, results: Path) -> Iterator[str]:
    """Why the study stopped, and the level of its intervals."""
    from runner.analysis.sequential import describe

    study = outcome.study
    assert study.looks is not None
    assert study.looks.level is not None
    if outcome.ended == "nothing to decide":
        yield f"{study.name}: more seeds would not help, so it stops here"
        return
    state = "is decided: nothing more to train"
    if outcome.ended == "budget":
        state = f"has used its budget of {counted(study.looks.seeds[-1], 'seed')} of each arm"
    yield f"{study.name} {state}"
    yield f"intervals are {describe(study.looks.seeds, study.looks.level)}"
    yield f"`tricks-bench report {study.name}{results_option(results)}` writes the report"

"""The top of a report: how many runs are there, and the notes of the study."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Callout, Code, Paragraph, Section, Strong, present
from runner.reporting.material import Material


@section(place=10)
def header(m: Material) -> Section:
    """One line on the size of the study, and loud ones if it is not whole."""
    size = f"{m.analysis.runs.used} runs in {len(m.analysis.arms)} arms, metric {m.analysis.title}."
    notes = [Callout(note) for note in m.study_notes]
    return Section("", present(Paragraph(size), _partial(m), _errors(m), *notes))


def _partial(m: Material) -> Callout | None:
    if m.done >= m.planned:
        return None
    said = (
        f" {m.planned - m.done} of {m.planned} planned runs are missing. Everything below is about "
        "the runs that are there; run the study again to complete it."
    )
    return Callout((Strong("Partial:"), said))


def _errors(m: Material) -> Callout | None:
    lost = {k: v for k, v in m.states.items() if k in ("failed", "infra") and v}
    if not lost:
        return None
    said = f" {', '.join(f'{v} {k}' for k, v in lost.items())} (listed below); "
    return Callout((Strong("Errors:"), said, Code("tricks-bench retry"), " runs them again."))

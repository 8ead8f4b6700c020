"""Warnings that apply to all findings: the analysis's notes, a few open, the rest folded."""

from __future__ import annotations

from runner.reporting.contents import section
from runner.reporting.document import Details, Paragraph, Section, Strong, items
from runner.reporting.material import Material

FEW_NOTES = 4  # warnings that are not folded


@section(place=30)
def read_with_care(m: Material) -> Section | None:
    """The warnings; None without any."""
    notes = warnings(m)
    if not notes:
        return None
    head = Paragraph(Strong("Read with care:"))
    if len(notes) <= FEW_NOTES:
        return Section("", (head, items(notes)))
    rest = Details(f"and {len(notes) - FEW_NOTES + 1} more", (items(notes[FEW_NOTES - 1 :]),))
    return Section("", (head, items(notes[: FEW_NOTES - 1]), rest))


def warnings(m: Material) -> list[str]:
    """Sentences, the most serious first."""
    a, design = m.analysis, m.design
    notes = [note for note in a.notes if note not in m.study_notes]
    planned = design.planned if design else None
    if design and planned and planned.clear and design.run.clear is False:
        notes.insert(
            0,
            "The remaining runs no longer separate main effects from two-factor interactions, "
            "as the planned design did: see Design.",
        )
    if a.collapsed.arms:
        notes.append(
            f"{len(a.collapsed.arms)} of {len(a.arms)} arms collapsed: their mean "
            "accuracy is within 5 pp of chance. They stay in all means; see Diverged and collapsed."
        )
    return notes

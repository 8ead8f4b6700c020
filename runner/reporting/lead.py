"""The top of a report: how much of it is there, what kind of study it is, and what to beware of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runner.reporting.markdown import details, escape

Answer = dict[str, Any]
FEW = 4  # warnings that stand open


def lead(total: int, a: Answer, states: Mapping[str, int], notes: Sequence[str]) -> str:
    """One line on the size of it, loud ones if it is not whole, and what the study itself says.

    notes: the study's own, on its looks, its stage or what it confirms.
    """
    done = sum(states.values())
    line = f"{a['runs']['used']} runs in {len(a['arms'])} arms, metric {escape(a['metric'])}."
    if done < total:
        line += (
            f"\n\n> **Partial:** {total - done} of {total} planned runs are missing. Everything "
            "below is about the runs that are there; run the study again to complete it."
        )
    lost = {k: v for k, v in states.items() if k in ("failed", "infra") and v}
    if lost:
        said = ", ".join(f"{v} {k}" for k, v in lost.items())
        line += f"\n\n> **Errors:** {said} (listed below); `tricks-bench retry` runs them again."
    return line + "".join(f"\n\n> {escape(note)}" for note in notes)


def warnings(
    a: Answer, study_notes: Sequence[str], diagnostics: Mapping[str, Any] | None = None
) -> list[str]:
    """What bears on all findings, as blocks: a few lines, the rest behind a summary.

    diagnostics: of the design, see `reporting.design`.
    """
    notes = [escape(note) for note in a["notes"] if note not in study_notes]
    planned = diagnostics["planned"] if diagnostics else None
    if diagnostics and planned and planned["clear"] and diagnostics["run"]["clear"] is False:
        notes.insert(
            0,
            "The runs that are left no longer separate main effects from two-factor interactions, "
            "which the design did: see Design.",
        )
    if a["collapsed"].get("arms"):
        notes.append(
            f"{len(a['collapsed']['arms'])} of {len(a['arms'])} arms collapsed: their mean "
            "accuracy is within 5 pp of chance. They stay in all means; see below what they do."
        )
    lines = [f"- {note}" for note in notes]
    if not lines:
        return []
    if len(lines) <= FEW:
        return ["**Read with care:**", "\n".join(lines)]
    rest = details(f"and {len(lines) - FEW + 1} more", ["\n".join(lines[FEW - 1 :])])
    return ["**Read with care:**", "\n".join(lines[: FEW - 1]), rest]

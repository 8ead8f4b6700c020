"""Notes on a study's design, for the user before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from runner.designs.design import Design
from runner.designs.factor import Factor


def design_notes(design: Design, factors: Sequence[Factor], seeds: int) -> list[str]:
    """Lines about unused levels, the design's own notes, seeds, and impossible arms.

    design: of the study. factors: as requested, with all levels.
    """
    notes = []
    if design.needs_on:
        for factor, whole in zip(design.factors, factors, strict=True):
            if factor == whole:
                continue
            others = ", ".join(level.name for level in whole.levels if level not in factor.levels)
            notes.append(
                f"{design.on_means} {factor.name}={factor.levels[1].name}; {others} is not used "
                f"(--reference {factor.name}=... chooses the level)"
            )
    notes += design.notes()
    if design.control is not None and design.control_seeds(seeds) > seeds:
        arm = "everything on" if any(design.control_arm or ()) else "the baseline"
        notes.append(f"{arm} gets {design.control_seeds(seeds)} seeds, each other arm {seeds}")
    if design.excluded:
        reasons = list(dict.fromkeys(design.conflicts.reasons.values()))
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        arms = "arm is" if design.excluded == 1 else "arms are"
        notes.append(f"{design.excluded:,} impossible {arms} left out: {reasons[0]}{more}")
    return notes

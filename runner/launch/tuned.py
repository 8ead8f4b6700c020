"""The stages of a tuned study: their runs, and the choices of the arms."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.launch.todo import Todo
    from runner.records.run import Spec
    from runner.records.store import Store
    from runner.studies.any_study import AnyStudy, S
    from runner.studies.stage_runs import StageCounts


def counts(study: AnyStudy[Spec], store: Store | None) -> StageCounts | None:
    """Runs of each stage of a study with stages; None if there are too many to list."""
    from runner.studies import recorded
    from runner.studies.stage_runs import stage_counts
    from runner.studies.staged import known, size

    if size(study) > recorded.LISTED:
        return None
    states = store.states() if store else {}
    standing = {id for id, state in states.items() if state != "infra"}
    return stage_counts(known(study, store), standing)


def chosen_line(study: AnyStudy[Spec], known: Todo[S]) -> str:
    """A line with the choices of the arms, once the tuning runs are done."""
    assert study.tuning is not None
    field = study.tuning.field
    arms = {
        tuple(row[factor.name] for factor in study.factors): row[field]
        for row in known.rows
        if row["stage"] == "tuned"
    }
    counts = Counter(arms.values())
    said = ", ".join(f"{value} ×{counts[value]}" for value in study.tuning.texts if value in counts)
    line = f"tuning: {field} chosen on validation: {said or 'nothing'}"
    if known.to_choose:
        line += f"; {known.to_choose:,} tuned runs wait for arms with failed tuning runs"
    return line

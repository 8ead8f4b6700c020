"""The runs of a study that are known: those of a tuned one come with its stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.study import Study
    from runner.studies.tuning import StageCounts


def counts(study: Study, store: Store | None) -> StageCounts | None:
    """Runs of each stage of a tuned study; None where they are too many to list."""
    from runner.studies import recorded
    from runner.studies.tuning import known_runs, size, stage_counts

    if size(study) > recorded.LISTED:
        return None
    held = store.rows() if store else {}
    standing = {id for id, row in held.items() if row["state"] != "infra"}
    return stage_counts(known_runs(study, held), standing)


def list_runs(
    study: Study, store: Store | None
) -> tuple[list[tuple[dict[str, Any], RunSpec]], int]:
    """The runs of `study` that are known, each with its row; and how many tuned ones are to come.

    These are the runs of arms whose tuning is not complete in `store`.
    """
    if study.tuning is None:
        return [(study.row(arm, spec), spec) for arm, spec in study.planned()], 0
    from runner.studies.tuning import known_runs, row

    known = known_runs(study, store.rows() if store else {})
    stages = Counter(run.stage for run in known)
    return [(row(study, run), run.spec) for run in known], stages["fixed"] - stages["tuned"]


def chosen_line(study: Study, rows: Iterable[Mapping[str, Any]], to_choose: int) -> str:
    """What the arms have chosen, once the tuning runs are done; rows: of the study's table."""
    assert study.tuning is not None
    field = study.tuning.field
    arms = {
        tuple(row[factor.name] for factor in study.factors): row[field]
        for row in rows
        if row["stage"] == "tuned"
    }
    counts = Counter(arms.values())
    said = ", ".join(f"{value} ×{counts[value]}" for value in study.tuning.texts if value in counts)
    line = f"tuning: {field} chosen on validation: {said or 'nothing'}"
    if to_choose:
        line += f"; {to_choose:,} tuned runs wait for arms with failed tuning runs"
    return line

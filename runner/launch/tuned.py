"""Tuned studies: how large their stages are, and which stage a command looks at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from runner.text import counted

if TYPE_CHECKING:
    from runner.records.spec import RunSpec
    from runner.records.store import Store
    from runner.studies.study import Study


def plan_counts(study: Study, store: Store | None) -> dict[str, Any]:
    """Runs, recorded, missing and stages of a tuned plan; None where they are too many to list."""
    from runner.studies.recorded import LISTED
    from runner.studies.tuning import known_runs, size, stage_counts

    tuning = study.tuning
    assert tuning is not None
    asked = tuning.to_json()
    if size(study) > LISTED:
        reason = f"{size(study):,} runs are too many to look up in the store one by one"
        nothing = {"recorded": None, "missing": None, "stages": None}
        return {**asked, **nothing, "runs": size(study), "reason": reason}
    held = store.rows() if store else {}
    standing = {id for id, row in held.items() if row["state"] != "infra"}
    return {**asked, **stage_counts(study, known_runs(study, held), standing)}


def plan_lines(study: Study, summary: Mapping[str, Any]) -> list[str]:
    """What the dry run says of the stages."""
    tuning, stages = study.tuning, summary["stages"]
    assert tuning is not None
    what = f"{tuning.field}={','.join(tuning.texts)} with {counted(tuning.seeds, 'tuning seed')}"
    if stages is None:
        return [f"each arm tuned over {what}: up to {summary['runs']:,} runs"]
    tuned = stages["tuned"]
    notes = [f"{tuned['not_chosen']:,} of arms yet to choose"] if tuned["not_chosen"] else []
    notes += [f"{tuned['shared']:,} are fixed runs"] if tuned["shared"] else []
    return [
        f"fixed: {counted(stages['fixed']['runs'], 'run')} at {tuning.field}={tuning.fixed_text}",
        f"tuning: {counted(stages['tuning']['runs'], 'run')}, each arm at {what}",
        f"tuned: {counted(tuned['runs'], 'run')}{', ' if notes else ''}{', '.join(notes)}",
        f"{summary['runs']:,} runs in all",
    ]


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


def chosen_line(
    study: Study, planned: Iterable[tuple[Mapping[str, Any], RunSpec]], to_choose: int
) -> str:
    """What the arms have chosen, once the tuning runs are done."""
    assert study.tuning is not None
    field = study.tuning.field
    arms = {
        tuple(row[factor.name] for factor in study.factors): row[field]
        for row, _ in planned
        if row["stage"] == "tuned"
    }
    counts = Counter(arms.values())
    said = ", ".join(f"{value} ×{counts[value]}" for value in study.tuning.texts if value in counts)
    line = f"tuning: {field} chosen on validation: {said or 'nothing'}"
    if to_choose:
        line += f"; {to_choose:,} tuned runs wait for arms with failed tuning runs"
    return line

"""A tuned study: its effects at the fixed and at the tuned values, and what the tuning cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.analysis.analyze import analyze
from runner.analysis.to_json import to_json
from runner.studies.experiments import experiment
from runner.studies.stages import SHOWN, tuning_json
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.records.export import Evidence


def comparison(
    found: Evidence, stage: str, metric: str, negligible: float | None
) -> dict[str, Any]:
    """What the report says of a tuned study: see `runner.reporting.tuning`."""
    study, runs = found.study, found.runs
    answers: dict[str, Any] = {}
    for name in SHOWN:
        try:
            at = analyze(experiment(study, runs, name), metric, negligible=negligible)
            answers[name] = to_json(at)
        except BadInput as error:
            answers[name] = None
            answers[f"{name}_reason"] = str(error)
    told = tuning_json(study, runs, stage)
    return {**told["tuning"], "stage": stage, "at": answers, "cost": _cost(found)}


def _cost(found: Evidence) -> dict[str, Any]:
    """Runs, core-hours and hours of tuning, and of the fixed and tuned runs; each run once."""
    by_id = {record["id"]: record.get("seconds") or {} for record in found.records}
    tuning = {run["id"] for run in found.study.runs if run["stage"] == "tuning"}
    fixed = {run["id"] for run in found.study.runs if run["stage"] == "fixed"}
    tuned = {run["id"] for run in found.study.runs if run["stage"] == "tuned"}

    def spent(ids: set[str]) -> dict[str, Any]:
        there = [by_id[id] for id in ids if id in by_id]
        return {
            "runs": len(there),
            "core_hours": sum(s.get("cpu") or 0.0 for s in there) / 3600,
            "hours": sum(s.get("total") or 0.0 for s in there) / 3600,
        }

    return {"tuning": spent(tuning), "study": spent(fixed | tuned), "shared": len(fixed & tuned)}

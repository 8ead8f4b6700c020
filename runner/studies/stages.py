"""Readers of tuned studies: which stage is looked at, what each arm chose, what that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    import pandas

    from runner.records.store import Store
    from runner.records.studies import StoredStudy
    from runner.studies.choice import Choice

SHOWN = ("fixed", "tuned")


@dataclass(frozen=True)
class ArmTuning:
    """What an arm's tuning saw and chose. levels: factor -> level."""

    label: str
    levels: Mapping[str, str]
    choice: Choice


@dataclass(frozen=True)
class StudyTuning:
    """The tuning of a study's arms, in the order planned.

    field: of the recipe. values: tried, with `seeds` runs each. fixed: what all arms have at the
    stage `fixed`.
    """

    field: str
    values: tuple[str, ...]
    seeds: int
    fixed: str | None
    arms: tuple[ArmTuning, ...]


def at_stage(
    stored: StoredStudy, runs: pandas.DataFrame, stage: str | None = None
) -> tuple[StoredStudy, pandas.DataFrame, str | None]:
    """The study and its recorded runs at `stage`, and which that is; None for a plain study.

    By default `tuned`, once every arm that has a fixed run has a tuned one. Raises BadInput for a
    stage that there is not, or of which no run is recorded.
    """
    if stored.tuned is None:
        if stage is not None:
            raise BadInput(f"--stage is for tuned studies: {stored.name} was run without --tune")
        return stored, runs, None
    if stage is not None and stage not in SHOWN:
        raise unknown("stage", stage, SHOWN)
    arms = {}
    for name in SHOWN:
        levels = runs.loc[runs["stage"].eq(name), stored.factors]
        arms[name] = set(levels.itertuples(index=False, name=None))
    whole = bool(arms["tuned"]) and arms["tuned"] >= arms["fixed"]
    chosen = stage or ("tuned" if whole else "fixed")
    if stage is not None and not arms[stage]:
        raise BadInput(f"--stage {stage}: no run of that stage of {stored.name} is recorded yet")
    return stored.at(chosen), runs[runs["stage"].eq(chosen)].reset_index(drop=True), chosen


def csv_stage(store: Store, stored: StoredStudy, stage: str | None) -> str | None:
    """The stage of which a CSV is written; None for a plain study. Raises BadInput."""
    if stage == "tuning" and stored.tuned:
        return stage
    from runner.records.table import table

    return at_stage(stored, table(store, stored), stage)[2]


def stage_note(stored: StoredStudy, stage: str) -> str:
    """What the numbers of a stage are."""
    field, listed, seeds = _tuning(stored)
    if stage == "fixed":
        fixed = next(iter(stored.at("fixed").column(field)), "")
        return (
            f"Stage fixed: {field}={fixed} in all arms; --stage tuned shows each arm at its own "
            f"value, once tuning is done."
        )
    return (
        f"Stage tuned: each arm at its own {field}, chosen on validation from "
        f"{', '.join(listed)} with {seeds} tuning seeds a value; intervals are over "
        "seeds given the chosen values. --stage fixed shows one value for all."
    )


def _tuning(stored: StoredStudy) -> tuple[str, tuple[str, ...], int]:
    """Of a tuned study: the field, the values that each arm tries, and the seeds of each value."""
    tune, seeds = stored.asked.tune, stored.asked.tune_seeds
    assert tune
    assert seeds
    ((field, values),) = tune.items()
    return field, values, seeds


def planned_runs(stored: StoredStudy, stage: str | None) -> int:
    """Runs planned at `stage`: as many tuned ones as fixed ones, whether or not chosen yet."""
    return len(stored.runs if stage is None else stored.at("fixed").runs)


def stage_states(
    stored: StoredStudy, held: Mapping[str, str]
) -> tuple[dict[str, dict[str, int]], int]:
    """Runs and recorded runs of each stage, and how many tuned runs wait for a choice.

    held: state by run id.
    """
    stages = {}
    for name in ("fixed", "tuning", "tuned"):
        ids = stored.at(name).column("id")
        stages[name] = {"runs": len(ids), "recorded": sum(id in held for id in ids)}
    to_choose = stages["fixed"]["runs"] - stages["tuned"]["runs"]
    stages["tuned"]["runs"] += to_choose
    stages["tuned"]["not_chosen"] = to_choose
    return stages, to_choose


def study_tuning(stored: StoredStudy, runs: pandas.DataFrame) -> StudyTuning:
    """What each arm of a tuned study saw and chose. runs: the recorded ones."""
    from runner.analysis.data.labels import arm_label
    from runner.studies.choice import Trial, choices

    field, listed, seeds = _tuning(stored)
    held = {str(line["id"]): line for line in runs.to_dict("records")}
    factors = stored.levels
    ids, stages, values = map(stored.column, ("id", "stage", field))
    arms_of = zip(*map(stored.column, factors), strict=True)
    trials = (
        Trial.of(stage, arm, value, held.get(id))
        for id, stage, arm, value in zip(ids, stages, arms_of, values, strict=True)
    )
    arms = []
    for key, choice in choices(listed, seeds, trials).items():
        levels = dict(zip(factors, key, strict=True))
        arms.append(ArmTuning(arm_label(levels, factors), levels, choice))
    return StudyTuning(
        field,
        tuple(listed),
        seeds,
        next(iter(stored.at("fixed").column(field)), None),
        tuple(arms),
    )

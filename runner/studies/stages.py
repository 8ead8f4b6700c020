"""Read studies with stages: select a stage, and list the choice of each arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.studies.equal_time import left_out
from tricks.errors import BadInput, unknown

if TYPE_CHECKING:
    import pandas

    from runner.records.store import Store
    from runner.records.studies import StoredStudy
    from runner.studies.choice import Choice


@dataclass(frozen=True)
class ArmTuning:
    """An arm's tuning results and choice. levels: factor -> level."""

    label: str
    levels: Mapping[str, str]
    choice: Choice


@dataclass(frozen=True)
class StudyTuning:
    """The tuning of a study's arms, in planned order.

    field: of the recipe. values: the candidates, with `seeds` runs each. fixed: the value of all
    arms at the stage `fixed`.
    """

    field: str
    values: tuple[str, ...]
    seeds: int
    fixed: str | None
    arms: tuple[ArmTuning, ...]


def at_stage(
    stored: StoredStudy, runs: pandas.DataFrame, stage: str | None = None
) -> tuple[StoredStudy, pandas.DataFrame, str | None]:
    """The study and its recorded runs at `stage`, and the stage's name; None without stages.

    By default the last stage, once every arm with a fixed run also has a run of the last stage (at
    equal time: every arm that did not diverge). Raises BadInput for an unknown stage, and for a
    stage without recorded runs.
    """
    if stored.asked.staged is None:
        if stage is not None:
            raise BadInput(
                f"--stage is for studies with stages: {stored.name} was run without --tune and "
                "--equal"
            )
        return stored, runs, None
    shown = (stored.asked.stages[0], stored.asked.stages[-1])
    if stage is not None and stage not in shown:
        raise unknown("stage", stage, shown)
    arms = {}
    for name in shown:
        counts = runs["stage"].eq(name)
        if stored.asked.equal and name == "fixed":
            counts &= runs["state"].ne("diverged")
        levels = runs.loc[counts, stored.factors]
        arms[name] = set(levels.itertuples(index=False, name=None))
    first, last = shown
    whole = bool(arms[last]) and arms[last] >= arms[first]
    chosen = stage or (last if whole else first)
    if stage is not None and not runs["stage"].eq(stage).any():
        raise BadInput(f"--stage {stage}: no run of this stage of {stored.name} is recorded yet")
    return stored.of_stage(chosen), runs[runs["stage"].eq(chosen)].reset_index(drop=True), chosen


def csv_stage(store: Store, stored: StoredStudy, stage: str | None) -> str | None:
    """The stage to write to a CSV; None for a study without stages. Raises BadInput."""
    if stage == "tuning" and stored.asked.tune:
        return stage
    from runner.records.run_frames import table

    return at_stage(stored, table(store, stored), stage)[2]


def stage_note(stored: StoredStudy, stage: str) -> str:
    """A note that explains the numbers of a stage."""
    if stored.asked.equal:
        return _equal_note(stored, stage)
    field, listed, seeds = _tuning(stored)
    if stage == "fixed":
        fixed = next(iter(stored.of_stage("fixed").column(field)), "")
        return (
            f"Stage fixed: {field}={fixed} in all arms; --stage tuned shows each arm at its own "
            "value, once the tuning is done."
        )
    return (
        f"Stage tuned: each arm at its own {field}, chosen on validation from "
        f"{', '.join(listed)} with {seeds} tuning seeds per value; intervals are over seeds, "
        "given the chosen values. --stage fixed shows one value for all arms."
    )


def _equal_note(stored: StoredStudy, stage: str) -> str:
    if stage == "fixed":
        epochs = next(iter(stored.of_stage("fixed").column("epochs")), "")
        return (
            f"Stage fixed: {epochs} epochs in all arms; --stage equal-time shows each arm with "
            "the epochs that fit the baseline's time, once its runs are done."
        )
    return (
        "Stage equal-time: each arm with as many epochs as fit the baseline's training time, by "
        "the measured cost of its runs at the baseline's epochs; intervals are over seeds, "
        "given the chosen epochs. --stage fixed shows the same epochs for all arms."
    )


def _tuning(stored: StoredStudy) -> tuple[str, tuple[str, ...], int]:
    """A tuned study's field, the candidates of each arm, and the seeds of each candidate."""
    tune, seeds = stored.asked.tune, stored.asked.tune_seeds
    assert tune
    assert seeds
    ((field, values),) = tune.items()
    return field, values, seeds


def planned_runs(stored: StoredStudy, stage: str | None) -> int:
    """The number of runs planned at `stage`; tuned runs count before their arms have chosen."""
    return len(stored.runs if stage is None else stored.of_stage("fixed").runs)


def stage_states(
    stored: StoredStudy, states: Mapping[str, str]
) -> tuple[dict[str, dict[str, int]], int]:
    """Runs and recorded runs of each stage, and how many of the last stage wait for a choice.

    states: state by run id.
    """
    stages = {}
    for name in stored.asked.stages:
        ids = stored.of_stage(name).column("id")
        stages[name] = {"runs": len(ids), "recorded": sum(id in states for id in ids)}
    last = stages[stored.asked.stages[-1]]
    to_choose = stages["fixed"]["runs"] - last["runs"]
    if stored.asked.equal:
        fixed = stored.of_stage("fixed")
        arms = list(zip(*map(fixed.column, stored.factors), strict=True))
        fixed_states = map(states.get, fixed.column("id"))
        lost = left_out(zip(arms, fixed_states, strict=True))
        to_choose -= sum(arm in lost for arm in arms)
    last["runs"] += to_choose
    last["not_chosen"] = to_choose
    return stages, to_choose


def study_tuning(stored: StoredStudy, runs: pandas.DataFrame) -> StudyTuning:
    """The tuning results and choice of each arm of a tuned study. runs: the recorded runs."""
    from runner.analysis.data.labels import arm_label
    from runner.studies.choice import Trial, choices

    field, listed, seeds = _tuning(stored)
    rows = {str(line["id"]): line for line in runs.to_dict("records")}
    factors = stored.levels
    ids, stages, values = map(stored.column, ("id", "stage", field))
    arms_of = zip(*map(stored.column, factors), strict=True)
    trials = (
        Trial.of(stage, arm, value, rows.get(id))
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
        next(iter(stored.of_stage("fixed").column(field)), None),
        tuple(arms),
    )

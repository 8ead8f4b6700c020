"""A dry run on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from runner.commands.json_output import print_json
from runner.designs.factor import touched
from runner.designs.field import field_text
from runner.launch.kinds import kind_of
from runner.records.json_values import JsonValue
from runner.text import counted

if TYPE_CHECKING:
    from runner.launch.dry_run import DryRun
    from runner.studies.stage_runs import StageCounts


def say_dry_run(found: DryRun, json: bool) -> None:
    """Print what would be trained."""
    if json:
        print_json(_json(found))
        return
    for line in _lines(found):
        print(line)


def _json(found: DryRun) -> Mapping[str, JsonValue]:
    from runner.designs.factor import describe

    study = found.study
    control = study.design.control_seeds(study.seeds) if study.design.control_arm else None
    answer: dict[str, JsonValue] = {
        "study": study.name,
        "task": study.task_name,
        "grid": study.grid,
        "factors": describe(study.factors),
        "arms": study.design.count,
        "excluded": study.design.excluded,
        "runs": found.runs,
        "recorded": found.recorded,
        "missing": found.missing,
        "seeds": study.seeds,
        "control_seeds": control,
        "settings": dict(study.settings),
        "notes": list(study.notes),
    }
    answer |= kind_of(study).dry_run_json()
    tuning = study.tuning
    if tuning is not None:
        answer |= {"tune": {tuning.field: tuning.texts}, "tune_seeds": tuning.seeds}
        answer["stages"] = _stages_json(found.stages)
    if study.proxy:
        answer["proxy"] = dict(study.proxy)
    if study.equal_time:
        answer |= {"equal": "time", "stages": _stages_json(found.stages)}
    if found.recorded is None:
        answer["reason"] = _too_many(found)
    if study.looks is not None:
        answer |= {
            "until": study.looks.until,
            "level": study.looks.level,
            "looks": [{"seeds": n, "runs": study.design.total(n)} for n in study.looks.seeds],
        }
    hours = found.hours
    answer |= {"predicted_hours": hours.wall, "predicted_core_hours": hours.core}
    if hours.reason is not None:
        answer["predicted_hours_reason"] = hours.reason
    return {**answer, "prediction": asdict(hours), "detects": asdict(found.detects)}


def _stages_json(counts: StageCounts | None) -> Mapping[str, JsonValue] | None:
    if counts is None:
        return None
    stages = {
        name: {"runs": stage.runs, "recorded": stage.recorded}
        for name, stage in counts.stages.items()
    }
    stages[list(stages)[-1]] |= {"shared": counts.shared, "not_chosen": counts.not_chosen}
    return stages


def _lines(found: DryRun) -> Iterator[str]:
    study = found.study
    yield f"{study.name}: {study.grid} on {study.task_name}"
    for factor in study.factors:
        yield f"  {factor.name}: {', '.join(level.name for level in factor.levels)}"
    varied = {name for f in study.factors for level in f.levels for name in touched(level)}
    for key, value in study.settings.items():
        yield (
            f"  {key} = {value} in all arms{' except where a factor changes it' * (key in varied)}"
        )
    yield from kind_of(study).dry_run()
    yield from study.notes
    arms = f"{counted(study.design.count, 'arm')} ({study.design.excluded:,} excluded)"
    yield f"{arms} with {counted(study.seeds, 'seed')}: {counted(study.runs, 'run')}"
    if study.looks is not None:
        looks = " and ".join(f"{n:,}" for n in study.looks.seeds)
        yield f"at most; analyzed at {looks} seeds, until {study.looks.until}"
    if study.tuning is not None:
        yield from _stage_lines(found)
    if study.equal_time:
        yield from _equal_lines(found)
    if found.recorded is None:
        yield _too_many(found)
    else:
        yield f"{found.recorded:,} recorded, {found.missing:,} to train"
    if found.hours.runs:
        yield str(found.hours)
    yield str(found.detects)
    if found.without_weights:
        yield f"{found.without_weights:,} recorded without weights, to train again to keep weights"


def _stage_lines(found: DryRun) -> Iterator[str]:
    tuning, counts = found.study.tuning, found.stages
    assert tuning is not None
    what = f"{tuning.field}={','.join(tuning.texts)} with {counted(tuning.seeds, 'tuning seed')}"
    if counts is None:
        yield f"each arm is tuned over {what}: up to {found.runs:,} runs"
        return
    fixed, tried = (counts.stages[name].runs for name in ("fixed", "tuning"))
    yield f"fixed: {counted(fixed, 'run')} at {tuning.field}={field_text(tuning.fixed)}"
    yield f"tuning: {counted(tried, 'run')}, each arm at {what}"
    yield f"tuned: {_last_stage(counts)}"
    yield f"{found.runs:,} runs in all"


def _equal_lines(found: DryRun) -> Iterator[str]:
    epochs, counts = found.study.epochs, found.stages
    what = f"as many epochs as fit into the time of the baseline's {epochs}"
    if counts is None:
        yield f"each arm for {epochs} epochs, then for {what}: up to {found.runs:,} runs"
        return
    yield f"fixed: {counted(counts.stages['fixed'].runs, 'run')} of {epochs} epochs"
    yield f"equal-time: {_last_stage(counts)}, each arm for {what}"
    yield f"{found.runs:,} runs in all"


def _last_stage(counts: StageCounts) -> str:
    """The runs of the last stage, with those that wait for a choice or are fixed runs too."""
    parts = [counted([*counts.stages.values()][-1].runs, "run")]
    parts += [f"{counts.not_chosen:,} wait for the stage before"] if counts.not_chosen else []
    parts += [f"{counts.shared:,} are fixed runs"] if counts.shared else []
    return ", ".join(parts)


def _too_many(found: DryRun) -> str:
    return f"{found.runs:,} runs are too many to look up in the store one by one"

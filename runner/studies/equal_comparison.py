"""A study of equal time: its effects at equal epochs and at equal time, and each arm's epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.analysis.data.labels import arm_label
from runner.analysis.result import Analysis
from runner.studies.tuned_comparison import stage_analysis

if TYPE_CHECKING:
    import pandas

    from runner.records.export import Evidence
    from runner.records.studies import StoredStudy


@dataclass(frozen=True)
class ArmEpochs:
    """An arm of a study of equal time.

    levels: factor -> level. epochs: the choice; None if not chosen yet, or if all its runs
    diverged. ratio: seconds of an epoch relative to the baseline, from `runs` runs; low, high: its
    interval. spent: seconds of its training at equal time relative to the baseline, None without
    runs.
    """

    label: str
    levels: Mapping[str, str]
    epochs: int | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    runs: int | None = None
    spent: float | None = None


@dataclass(frozen=True)
class EqualTime:
    """epochs: of the baseline. arms: in planned order. column: the column of the seconds."""

    epochs: int
    arms: tuple[ArmEpochs, ...]
    column: str


@dataclass(frozen=True)
class EqualComparison:
    """Both stages of a study of equal time. fixed, equal: an analysis, or why it is missing."""

    time: EqualTime
    fixed: Analysis | str
    equal: Analysis | str


def comparison(found: Evidence, metric: str, negligible: float | None) -> EqualComparison:
    """The effects of a study of equal time at both stages, and the epochs of its arms."""
    stages = ("fixed", "equal-time")
    fixed, equal = (stage_analysis(found, stage, metric, negligible) for stage in stages)
    return EqualComparison(equal_time(found.study, found.runs), fixed, equal)


def equal_time(stored: StoredStudy, runs: pandas.DataFrame) -> EqualTime:
    """The epochs of each arm of a study of equal time. runs: the recorded runs."""
    from runner.analysis.data.arms import time_column
    from runner.analysis.data.experiment import succeeded
    from runner.studies.as_experiment import as_experiment

    factors = stored.levels
    first = {name: levels[0] for name, levels in factors.items()}
    chosen = {tuple({**first, **a.levels}.values()): a for a in stored.asked.equal_epochs or ()}
    last = runs[runs["stage"].eq("equal-time") & succeeded(runs)]
    experiment = as_experiment(stored, runs)
    column = time_column(experiment)
    seconds = last.groupby(list(factors))[column].median() if len(last) else None
    spent = {} if seconds is None else {_key(key): value for key, value in seconds.items()}
    fixed = stored.of_stage("fixed")
    all_on = experiment.design is not None and experiment.design.leaves_out
    base = {**first, **((stored.asked.reference or {}) if all_on else {})}
    own = spent.get(tuple(base.values()))
    arms = []
    for key in dict.fromkeys(zip(*map(fixed.column, factors), strict=True)):
        levels, held = dict(zip(factors, key, strict=True)), chosen.get(key)
        label, share = arm_label(levels, factors), spent.get(key)
        arms.append(
            ArmEpochs(label, levels)
            if held is None
            else ArmEpochs(
                label, levels, held.epochs, held.ratio, held.low, held.high, held.runs,
                None if share is None or not own else float(share / own),
            )
        )  # fmt: skip
    return EqualTime(int(next(iter(fixed.column("epochs")), "0")), tuple(arms), column)


def _key(key: str | tuple[str, ...]) -> tuple[str, ...]:
    return key if isinstance(key, tuple) else (key,)

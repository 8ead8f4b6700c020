"""Training time of a level divided by that of its reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from runner.analysis.data.arm_statistics import group
from runner.analysis.data.arms import time_column
from runner.analysis.data.estimates import percent
from runner.analysis.data.experiment import Experiment, succeeded, values
from runner.analysis.model.factorial import factorial


@dataclass(frozen=True)
class TimeRatio:
    """Seconds of a level divided by the seconds of its reference.

    column: the column of the seconds. what: describes ratio and range. low, high: the range, None
    without replicates or error df.
    """

    column: str
    ratio: float
    low: float | None
    high: float | None
    what: str


@dataclass(frozen=True)
class PairedRatio:
    """Seconds of an arm's runs divided by those of another arm's runs, from `runs` pairs.

    ratio: the median, since a busy machine can only slow runs down. low, high: the t-interval of
    the mean, on the log scale; None for a single pair.
    """

    column: str
    ratio: float
    low: float | None
    high: float | None
    runs: int

    @property
    def differs(self) -> bool:
        """Whether the ratio differs from 1: its interval excludes 1, or it has none."""
        return self.low is None or self.high is None or not self.low <= 1 <= self.high


def times(experiment: Experiment) -> tuple[str, np.ndarray, np.ndarray] | None:
    """The time column's name, (runs, factors) levels and (runs,) seconds of finished runs."""
    name = time_column(experiment)
    if name not in experiment.runs:
        return None
    seconds = values(experiment.runs, name)
    usable = (succeeded(experiment.runs) & (seconds > 0)).to_numpy()
    if not usable.any():
        return None
    return name, experiment.codes[usable], seconds[usable].to_numpy()


def paired_ratio(
    experiment: Experiment, arm: Sequence[int], other: Sequence[int]
) -> PairedRatio | None:
    """Seconds of `arm` divided by those of `other`, run by run where they share seeds.

    arm, other: (factors,) level indices. None if one of them has no finished run.
    """
    found = times(experiment)
    if found is None:
        return None
    name = found[0]
    mine, theirs = (_by_seed(experiment, name, np.array(levels)) for levels in (arm, other))
    if mine.empty or theirs.empty:
        return None
    if tuple(arm) == tuple(other):
        return PairedRatio(name, 1.0, 1.0, 1.0, len(mine))
    shared = mine.index.intersection(theirs.index)
    if len(shared):
        logs = np.log(mine[shared] / theirs[shared])
        test = stats.ttest_1samp(logs, 0.0) if len(logs) > 1 else None
    else:
        logs = np.log(mine / theirs.median())
        few = min(len(mine), len(theirs)) < 2
        test = None if few else stats.ttest_ind(np.log(mine), np.log(theirs), equal_var=False)
    low, high = (None, None) if test is None else test.confidence_interval(1 - experiment.level)
    return PairedRatio(
        name,
        float(np.exp(np.median(logs))),
        None if low is None else float(np.exp(low)),
        None if high is None else float(np.exp(high)),
        len(logs),
    )


def _by_seed(experiment: Experiment, name: str, arm: np.ndarray) -> pd.Series:
    """Seconds of the finished runs of `arm`, by seed."""
    seconds = values(experiment.runs, name)
    usable = succeeded(experiment.runs) & (seconds > 0) & (experiment.codes == arm).all(axis=1)
    return seconds[usable].groupby(experiment.runs["seed"][usable]).mean()


def arm_ratio(experiment: Experiment, arm: np.ndarray, other: np.ndarray) -> TimeRatio | None:
    """Median seconds of `arm` over those of `other`; low, high: the arm's fastest, slowest run.

    arm, other: (factors,) level indices. Medians, since a busy machine can only slow runs down.
    """
    found = times(experiment)
    if found is None:
        return None
    name, levels, seconds = found
    mine = seconds[(levels == arm).all(axis=1)]
    theirs = seconds[(levels == other).all(axis=1)]
    if not len(mine) or not len(theirs):
        return None
    ratios = mine / np.median(theirs)
    return TimeRatio(
        column=name,
        ratio=float(np.median(ratios)),
        low=float(ratios.min()) if len(mine) > 1 else None,
        high=float(ratios.max()) if len(mine) > 1 else None,
        what="medians; fastest to slowest run",
    )


def grid_ratios(experiment: Experiment) -> dict[tuple[int, int], TimeRatio]:
    """(factor index, level index) -> geometric mean ratio over the grid with its interval.

    The model of the effects is fitted to log seconds.
    """
    found = times(experiment)
    if found is None:
        return {}
    name, levels, seconds = found
    fitted = factorial(group(levels, np.log(seconds)), experiment.sizes)
    ratios = {}
    for i, contrast in enumerate(fitted.coding.mains):
        estimate = fitted.fit.estimate(fitted.coding.main_effect(i))
        if estimate.value is None:
            continue
        interval = estimate.interval(1 - experiment.level)
        ratios[contrast.factor, contrast.level] = TimeRatio(
            column=name,
            ratio=float(np.exp(estimate.value)),
            low=float(np.exp(interval[0])) if interval else None,
            high=float(np.exp(interval[1])) if interval else None,
            what=f"geometric means over the grid; {percent(1 - experiment.level)} interval",
        )
    return ratios

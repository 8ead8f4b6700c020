"""Arms: counts and means of each arm, and arms near chance accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from runner.analysis.data.arm_statistics import distinct
from runner.analysis.data.estimates import finite
from runner.analysis.data.experiment import Experiment, succeeded, values
from runner.analysis.data.labels import arm_label, level_names
from runner.analysis.metrics.registry import CHOOSES

COLLAPSED = 5.0  # pp above chance: largest mean accuracy of a collapsed arm
OTHERS = ("accuracy", CHOOSES, "chance_accuracy", "cpu_seconds", "train_seconds")


@dataclass(frozen=True)
class ArmRow:
    """One arm: its runs by state, its metric, and the means of other columns.

    low, high: t-interval of this arm's mean alone. mean is None if no run finished, sd and the
    interval if fewer than two finished. The fields from accuracy to train_seconds are also None if
    the runs have no such column (see `ArmTable.columns`). levels: factor -> level.
    """

    runs: int
    ok: int
    mean: float | None
    sd: float | None
    diverged: int
    failed: int
    infra: int
    low: float | None
    high: float | None
    accuracy: float | None
    val_accuracy: float | None
    chance_accuracy: float | None
    cpu_seconds: float | None
    train_seconds: float | None
    levels: Mapping[str, str]
    label: str

    @property
    def seconds(self) -> float | None:
        """Mean training time: CPU seconds if the arms have them, else wall-clock seconds."""
        return self.train_seconds if self.cpu_seconds is None else self.cpu_seconds

    def near_chance(self, accuracy: float | None) -> bool:
        """Whether one of the arm's accuracies is that of a collapsed arm; False if unknown."""
        if accuracy is None or self.chance_accuracy is None:
            return False
        return accuracy <= self.chance_accuracy + COLLAPSED


@dataclass(frozen=True)
class ArmTable:
    """One row for each arm with any run: the baseline first, then by number of changes.

    columns: the columns of OTHERS that the runs have.
    """

    rows: tuple[ArmRow, ...]
    columns: tuple[str, ...]

    def collapsed(self) -> tuple[str, ...] | None:
        """Labels of arms whose mean test accuracy is at most 5 pp above chance; None if unknown."""
        if not {"accuracy", "chance_accuracy"} <= set(self.columns):
            return None
        return tuple(row.label for row in self.rows if row.near_chance(row.accuracy))


def arm_table(experiment: Experiment, metric: str) -> ArmTable:
    """The arms with their numbers of runs and the means of `metric` and of other columns."""
    runs = experiment.runs
    arms, where = distinct(experiment.codes)
    fine = succeeded(runs)
    state = runs["state"].astype(str) if "state" in runs else pd.Series("ok", index=runs.index)
    frame = pd.DataFrame({"arm": where, "y": values(runs, metric).where(fine).to_numpy()})
    grouped = frame.groupby("arm")["y"]
    table = pd.DataFrame({"runs": frame.groupby("arm").size(), "ok": grouped.count()})
    table["mean"], table["sd"] = grouped.mean(), grouped.std()
    for name in ("diverged", "failed", "infra"):
        table[name] = np.bincount(where[state.eq(name).to_numpy()], minlength=len(arms))
    critical = stats.t.isf(experiment.level / 2, (table["ok"] - 1).clip(lower=1))
    half = critical * table["sd"] / table["ok"] ** 0.5
    table["low"], table["high"] = table["mean"] - half, table["mean"] + half
    others = (*OTHERS[:3], time_column(experiment))
    columns = tuple(name for name in others if name in runs)
    for name in columns:
        column = values(runs, name).where(fine).to_numpy()
        table[name] = pd.Series(column).groupby(where).mean()
    numbers = {str(name): table[name].tolist() for name in table}
    found = []
    for i in sorted(range(len(arms)), key=lambda i: _place(arms[i])):
        levels = level_names(experiment.factors, arms[i])
        held = {name: finite(numbers[name][i]) for name in columns}
        found.append(
            ArmRow(
                runs=numbers["runs"][i],
                ok=numbers["ok"][i],
                mean=finite(numbers["mean"][i]),
                sd=finite(numbers["sd"][i]),
                diverged=numbers["diverged"][i],
                failed=numbers["failed"][i],
                infra=numbers["infra"][i],
                low=finite(numbers["low"][i]),
                high=finite(numbers["high"][i]),
                accuracy=held.get("accuracy"),
                val_accuracy=held.get(CHOOSES),
                chance_accuracy=held.get("chance_accuracy"),
                cpu_seconds=held.get("cpu_seconds"),
                train_seconds=held.get("train_seconds"),
                levels=levels,
                label=arm_label(levels, experiment.factors),
            )
        )
    return ArmTable(tuple(found), columns)


def _place(arm: np.ndarray) -> tuple[int, ...]:
    """Sort key of arms: the baseline, single changes in the order of the factors, more changes."""
    changed = np.flatnonzero(arm)
    return (len(changed), *(int(x) for x in changed), *(int(x) for x in arm[changed]))


def time_column(experiment: Experiment) -> str:
    """The column of training cost: CPU seconds on CPUs, else wall-clock seconds."""
    runs = experiment.runs
    on_cpu = "device" not in runs or runs["device"].astype(str).str.startswith("cpu").all()
    if on_cpu and "cpu_seconds" in runs and values(runs, "cpu_seconds").notna().any():
        return "cpu_seconds"
    return "train_seconds"

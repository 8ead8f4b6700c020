"""Arms: means of each arm, diverged runs by level, and arms that stayed near chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from runner.analysis.data.cells import distinct
from runner.analysis.data.estimates import wilson
from runner.analysis.data.experiment import Experiment, level_codes, succeeded, values
from runner.analysis.effects import finite, level_label

COLLAPSED = 5.0  # pp above chance: an arm whose mean accuracy is no higher has collapsed


def level_names(factors: Mapping[str, tuple[str, ...]], arm: Iterable[int]) -> dict[str, str]:
    """Factor -> level name of an arm, given as level indices.

    >>> level_names({"mixup": ("off", "on"), "optimizer": ("sgd", "lars")}, (1, 0))
    {'mixup': 'on', 'optimizer': 'sgd'}
    """
    return {name: levels[i] for (name, levels), i in zip(factors.items(), arm, strict=True)}


def arm_label(levels: Mapping[str, str], factors: Mapping[str, tuple[str, ...]]) -> str:
    """What sets an arm apart from the baseline, e.g. `mixup + optimizer=adamw`."""
    names = [
        level_label(name, level, factors[name][0], len(factors[name]))
        for name, level in levels.items()
        if level != factors[name][0]
    ]
    return " + ".join(names) or "baseline"


def arm_table(experiment: Experiment, metric: str) -> pd.DataFrame:
    """One row an arm with any run: arm (index, level codes), label, runs, ok, diverged, failed,
    mean, sd, low, high (t-interval of this arm's mean), val_accuracy, accuracy, seconds.

    The baseline first, then by number of changes. mean is NaN where no run finished; sd and the
    interval where fewer than two did.
    """
    runs = experiment.runs
    codes = level_codes(runs, experiment.factors)
    arms, where = distinct(codes)
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
    for name in ("accuracy", "val_accuracy", "chance_accuracy", time_column(experiment)):
        if name in runs:
            column = values(runs, name).where(fine).to_numpy()
            table[name] = pd.Series(column).groupby(where).mean()
    chosen = [level_names(experiment.factors, arm) for arm in arms]
    table["place"] = [_place(arm) for arm in arms]
    table["levels"] = pd.Series(chosen, index=table.index, dtype=object)
    table["label"] = [arm_label(row, experiment.factors) for row in chosen]
    return table.sort_values("place").drop(columns="place")


def _place(arm: np.ndarray) -> tuple[int, ...]:
    """Sorts arms: the baseline, then single changes in the order of the factors, then more."""
    changed = np.flatnonzero(arm)
    return (len(changed), *(int(x) for x in changed), *(int(x) for x in arm[changed]))


def time_column(experiment: Experiment) -> str:
    """The column that holds what training costs: CPU seconds on CPUs, else wall seconds."""
    runs = experiment.runs
    on_cpu = "device" not in runs or runs["device"].astype(str).str.startswith("cpu").all()
    if on_cpu and "cpu_seconds" in runs and values(runs, "cpu_seconds").notna().any():
        return "cpu_seconds"
    return "train_seconds"


def divergence(experiment: Experiment) -> list[dict[str, Any]]:
    """Diverged runs of each level of each factor, with Wilson's interval of the share.

    p: Fisher's (2 levels) or χ² test that the share is the same at all levels of the factor.
    Runs that failed for other reasons are not trained runs and do not count. Empty if none
    diverged.
    """
    runs = experiment.runs
    if "state" not in runs or not runs["state"].eq("diverged").any():
        return []
    runs = runs[runs["state"].isin(["ok", "diverged"])]
    diverged = runs["state"].eq("diverged").to_numpy()
    codes = level_codes(runs, experiment.factors)
    found = []
    for j, (factor, levels) in enumerate(experiment.factors.items()):
        total = np.bincount(codes[:, j], minlength=len(levels))
        bad = np.bincount(codes[diverged, j], minlength=len(levels))
        table = np.array([bad, total - bad])[:, total > 0]
        p, reason = None, None
        if table.shape[1] == 2:
            least = _least_fisher(table)
            if least <= experiment.level:
                p = float(stats.fisher_exact(table).pvalue)
            else:
                reason = f"a test of so few runs cannot go below p = {least:.2g}"
        elif table.shape[1] > 2 and not diverged.all():
            p = float(stats.chi2_contingency(table).pvalue)
        for i, level in enumerate(levels):
            if total[i]:
                low, high = wilson(int(bad[i]), int(total[i]), 1 - experiment.level)
                found.append(
                    {
                        "factor": factor, "level": level, "runs": int(total[i]),
                        "diverged": int(bad[i]), "low": low, "high": high, "p": finite(p),
                        "reason": reason,
                    }
                )  # fmt: skip
    return found


def _least_fisher(table: np.ndarray) -> float:
    """The smallest p of Fisher's test on any table with the margins of this one. table: (2, 2)."""
    bad, left, total = int(table[0].sum()), int(table[:, 0].sum()), int(table.sum())
    drawn = stats.hypergeom(total, left, bad).pmf(np.arange(min(bad, left) + 1))
    possible = drawn[drawn > 0]
    return float(possible[possible <= possible.min() * (1 + 1e-7)].sum())


def collapsed_arms(table: pd.DataFrame) -> list[str] | None:
    """Labels of arms whose mean test accuracy is at most 5 pp above chance; None if unknown."""
    if "chance_accuracy" not in table or "accuracy" not in table:
        return None
    near = table["accuracy"] <= table["chance_accuracy"] + COLLAPSED
    return [str(label) for label in table.loc[near, "label"]]

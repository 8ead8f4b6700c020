"""Diverged runs of each level of each factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from runner.analysis.data.estimates import finite, wilson
from runner.analysis.data.experiment import Experiment


@dataclass(frozen=True)
class Divergence:
    """Diverged runs of one level.

    runs: number of trained runs; diverged: number of diverged runs among them. low, high: Wilson's
    interval of the share. p: of the test that all levels of the factor have the same share; None,
    with the reason, if the test cannot be significant.
    """

    factor: str
    level: str
    runs: int
    diverged: int
    low: float
    high: float
    p: float | None
    reason: str | None


def divergence(experiment: Experiment) -> tuple[Divergence, ...]:
    """Diverged runs of each level of each factor, with Wilson's interval of the share.

    p: Fisher's (2 levels) or χ² test that the share is the same at all levels of the factor.
    Runs that failed for other reasons do not count. Empty if no run diverged.
    """
    runs = experiment.runs
    if "state" not in runs or not runs["state"].eq("diverged").any():
        return ()
    trained = runs["state"].isin(["ok", "diverged"]).to_numpy()
    diverged = runs["state"].eq("diverged").to_numpy()[trained]
    codes = experiment.codes[trained]
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
                reason = f"the smallest p of a test of so few runs is {least:.2g}"
        elif table.shape[1] > 2 and not diverged.all():
            p = float(stats.chi2_contingency(table).pvalue)
        for i, level in enumerate(levels):
            if total[i]:
                low, high = wilson(int(bad[i]), int(total[i]), 1 - experiment.level)
                counted = int(total[i]), int(bad[i])
                found.append(Divergence(factor, level, *counted, low, high, finite(p), reason))
    return tuple(found)


def _least_fisher(table: np.ndarray) -> float:
    """The smallest p of Fisher's test on tables with the same margins. table: (2, 2)."""
    bad, left, total = int(table[0].sum()), int(table[:, 0].sum()), int(table.sum())
    drawn = stats.hypergeom(total, left, bad).pmf(np.arange(min(bad, left) + 1))
    possible = drawn[drawn > 0]
    return float(possible[possible <= possible.min() * (1 + 1e-7)].sum())

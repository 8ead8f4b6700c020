"""Test-image noise: would an effect hold on other test images of the same kind?

An interval from run-to-run noise holds for these test images: all runs are scored on the same
images. Here images are a second random factor, crossed with the runs. For an effect
Σ w · (mean of an arm) let d be its value on each image, and n the number of images. Then

    var(in general) = var(run-to-run) + max(0, var(d) / n - residual).

The residual is the part of var(d) / n that comes from the runs' disagreement on single images; the
run-to-run variance already contains it. With S seeds in each arm this is the crossed two-way
analysis (MS_seed + MS_image - MS_residual) / (n · S), at least MS_residual / (n · S), with
Satterthwaite's df. The run-to-run variance is that of the effect's interval, with its error term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runner.analysis.data.arm_statistics import group
from runner.analysis.data.estimates import Estimate, Linear
from runner.analysis.model.factorial import prepare
from runner.analysis.test_set.per_image_correctness import Bits

MOST_PAIRED = 10_000_000  # runs × images of an effect; with more, arms are treated as unpaired
CENT = 100.0  # a bit counts as 0 or 100 per cent


@dataclass(frozen=True)
class Residual:
    """The runs' disagreement on single images, in pp² for one run and one image.

    square: (cells,); df: (cells,) for each cell, or for all cells together if `pooled`.
    """

    square: np.ndarray
    df: np.ndarray
    pooled: bool


@dataclass(frozen=True)
class Parts:
    """The parts, in pp², of the noise variance of one effect.

    run: run-to-run, on `df`, including the residual. image: var(d) / n. residual: the part of both
    that is the runs' disagreement on single images, on `residual_df`.
    """

    run: float
    df: float
    image: float
    residual: float
    residual_df: float
    images: int

    @property
    def added(self) -> float:
        """The variance that the choice of test images adds, in pp²."""
        return max(0.0, self.image - self.residual)

    def estimate(self, value: float, of: Linear | None = None) -> Estimate:
        """The effect in general, with its standard error and Satterthwaite's df."""
        variance = max(self.run + self.added, self.residual)
        if not self.added:
            return Estimate(value, float(np.sqrt(variance)), self.df, of=of)
        spread = self.run**2 / self.df + self.image**2 / (self.images - 1)
        spread += self.residual**2 / self.residual_df
        return Estimate(value, float(np.sqrt(variance)), variance**2 / spread, of=of)


def residual(found: Bits, sizes: Sequence[int]) -> Residual | None:
    """The residual of each arm. None if there are no degrees of freedom.

    It comes from the arm's replicates if most arms have them, else from the residual of the
    factorial's model on each image. sizes: number of declared levels of each factor.
    """
    n, k = found.images, found.count
    share = found.right.mean(axis=1, dtype=np.float64)
    arms = group(found.levels[found.cell], share)
    replicated = k > 1
    if 2 * int(replicated.sum()) >= len(k):
        within = found.sums.sum(axis=1) - (found.sums.astype(float) ** 2).sum(axis=1) / k
        squares = CENT**2 * np.maximum(within - n * arms.squares, 0.0)
        df = (k - 1.0) * (n - 1)
        pooled = squares.sum() / df.sum()
        return Residual(np.where(replicated, squares / np.maximum(df, 1), pooled), df, False)
    _, model, _, _ = prepare(arms, list(sizes))
    free = int(k.sum()) - model.rank
    if free < 1:
        return None
    left = found.sums.sum() - _explained(model.X, model.bread, found.sums)
    left -= n * ((share**2).sum() - _explained(model.X, model.bread, (k * arms.mean)[:, None]))
    square = CENT**2 * max(float(left), 0.0) / (free * (n - 1))
    return Residual(np.full(len(k), square), np.full(len(k), free * (n - 1.0)), True)


def _explained(X: np.ndarray, bread: np.ndarray, sums: np.ndarray) -> float:
    """Sum of squares that the model explains. sums: (cells, columns) totals over runs."""
    moments = X.T @ sums
    return float((moments * (bread @ moments)).sum())


def parts(estimate: Estimate, found: Bits, noise: Residual) -> Parts | None:
    """The parts of the variance of `estimate`; None if it is no combination of arms with bits."""
    of, n = estimate.of, found.images
    if of is None or estimate.se is None or estimate.df is None:
        return None
    arms = _places(found.levels, of.levels)
    if arms is None:
        return None
    each = of.weights / found.count[arms]
    image = float((CENT * (each @ found.sums[arms])).var(ddof=1)) / n
    shared = _blocks(found, arms)
    if shared is not None:
        mine = np.array([of.weights @ found.right[runs] for runs in shared.T])  # (seeds, images)
        seeds = len(mine)
        left = mine - mine.mean(axis=0) - mine.mean(axis=1, keepdims=True) + mine.mean()
        df = (seeds - 1.0) * (n - 1)
        square = CENT**2 * float((left**2).sum()) / (df * seeds * n)
    else:
        shares = each**2 * found.count[arms] * noise.square[arms] / n
        square = float(shares.sum())
        df = float(noise.df[0])
        if not noise.pooled:
            known = noise.df[arms] > 0
            df = square**2 / max(float((shares[known] ** 2 / noise.df[arms][known]).sum()), 1e-300)
    return Parts(estimate.se**2, estimate.df, image, square, max(df, 1.0), n)


def _places(levels: np.ndarray, wanted: np.ndarray) -> np.ndarray | None:
    """The index in `levels` of each row of `wanted`; None if a row is missing."""
    if np.array_equal(levels, wanted):
        return np.arange(len(levels))
    places = {tuple(row): i for i, row in enumerate(levels)}
    rows = [places.get(tuple(row), -1) for row in wanted]
    return np.array(rows, dtype=np.int64) if min(rows, default=-1) >= 0 else None


def _blocks(found: Bits, arms: np.ndarray) -> np.ndarray | None:
    """(arms, seeds) run indices if all these arms have the same seeds, once each; else None."""
    count = found.count[arms]
    if found.seed is None or len(arms) < 2 or count.sum() * found.images > MOST_PAIRED:
        return None
    if count[0] < 2 or (count != count[0]).any():
        return None
    order = np.lexsort((found.seed, found.cell))
    starts = np.searchsorted(found.cell[order], arms)
    runs = order[starts[:, None] + np.arange(count[0])]
    seeds = found.seed[runs]
    same = (seeds == seeds[0]).all() and len(np.unique(seeds[0])) == count[0]
    return runs if same else None

"""Two-factor interactions that are partly aliased with main effects.

If there are more two-factor interactions than runs, they are in the residual and, partly, in the
main effects. A well-chosen array has less of them in its main effects than in its residual: with
32 runs of nine factors, their share of a main effect's variance is a third of the residual's value.
So the residual is split by restricted maximum likelihood (Patterson & Thompson 1971, Biometrika 58:
545-554) into noise and interactions, which are assumed to be random with equal variance. The error
of each effect then combines both by the effect's weights.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from runner.analysis.model.allowed_grid import averages
from runner.analysis.model.coding import Coding, Weights
from runner.designs.exchange import contrasts

MOST_FEATURES = 3000
NONE = 1e-9
RATIOS = np.concatenate([[0.0], np.geomspace(1e-3, 1e4, 281)])  # of the two variances


@dataclass(frozen=True)
class Mixed:
    """Quantities of a model of main effects that depend on its arms alone.

    features: (cells, m) the interactions' columns; average: (p, m) their weights in the grid's
    average of each coefficient. size: (k,) variances of k directions of the residual, in units of
    the variance of an interaction; directions: (cells, k), orthonormal over the runs. These are the
    directions that interactions change.
    """

    features: np.ndarray
    average: np.ndarray
    size: np.ndarray
    directions: np.ndarray


@dataclass(frozen=True)
class Split:
    """The residual's two parts. noise: variance of a run; interactions: of a feature's coefficient.

    covariance: (2, 2) covariance matrix of both estimates.
    """

    of: Mixed
    noise: float
    interactions: float
    covariance: np.ndarray

    def error(
        self, each: np.ndarray, contrast: np.ndarray, count: np.ndarray
    ) -> tuple[float, float]:
        """Variance of contrast'β and its df. each: (cells,) weights of one run of each cell.

        The df are Satterthwaite's, but at most the number of directions of the interactions.
        """
        own = float(count @ each**2)
        mixed = float((((count * each) @ self.of.features - contrast @ self.of.average) ** 2).sum())
        parts = np.array([own, mixed])
        variance = float(parts @ (self.noise, self.interactions))
        spread = float(parts @ self.covariance @ parts)
        df = 2 * variance**2 / spread if spread > 0 else math.inf
        return variance, min(df, float(len(self.of.size)))


def mixed(
    coding: Coding,
    levels: np.ndarray,
    weights: Weights,
    projector: np.ndarray,
    count: np.ndarray,
    placebo: int | None,
    grid: np.ndarray | None,
) -> Mixed | None:
    """The mixing of two-factor interactions with main effects; None if there are too many.

    levels: (cells, factors) level indices; weights: shares of levels in the average over the grid;
    projector: (cells, cells) of the cells' means, times √count, on the model's residual; count:
    (cells,) runs; grid: see `allowed_grid`.
    """
    real = [
        j for j in sorted({c.factor for c in coding.mains}) if j != placebo and len(weights[j]) > 1
    ]
    sizes = [len(weights[j]) - 1 for j in real]
    if sum(a * b for a, b in itertools.combinations(sizes, 2)) > MOST_FEATURES or len(real) < 2:
        return None
    features = _features(levels, weights, real)
    moved = projector @ (np.sqrt(count)[:, None] * features)
    values, vectors = np.linalg.eigh(moved @ moved.T)
    kept = values > NONE * max(float(values[-1]), NONE)
    if not kept.any():
        return None
    average = np.zeros((coding.size, features.shape[1]))
    if grid is not None:
        average = averages(coding, grid, _features(grid, weights, real), placebo)
    return Mixed(features, average, values[kept], vectors[:, kept] / np.sqrt(count)[:, None])


def split(
    of: Mixed, residual: np.ndarray, count: np.ndarray, squares: float, df: int
) -> Split | None:
    """REML's split of a residual; None if noise and interactions cannot be separated.

    residual: (cells,) residual of the means; squares: the residual sum of squares, including the
    squares within the cells, on `df`.
    """
    along = (of.directions.T @ (count * residual)) ** 2
    scale = of.size.mean()
    size, free = of.size / scale, df - len(of.size)
    rest = max(squares - float(along.sum()), 0.0)
    if squares <= 0 or (free < 1 and size.max() < (1 + NONE) * size.min()):
        return None
    spread = 1 + RATIOS[:, None] * size
    noise = ((along / spread).sum(axis=1) + rest) / df
    likelihood = -df * np.log(noise) - np.log(spread).sum(axis=1)
    best = int(np.argmax(likelihood))
    one, other = float(noise[best]), float(noise[best] * RATIOS[best])
    each = one + other * size
    information = 0.5 * np.array(
        [
            [(1 / each**2).sum() + free / one**2, (size / each**2).sum()],
            [(size / each**2).sum(), (size**2 / each**2).sum()],
        ]
    )
    units = np.array([1, 1 / scale])
    covariance = np.linalg.pinv(information) * np.outer(units, units)
    return Split(of, one, other / scale, covariance)


def _features(levels: np.ndarray, weights: Weights, factors: list[int]) -> np.ndarray:
    """(arms, m) products of orthonormal contrasts of two factors; their mean square is 1."""
    columns = [contrasts(len(weights[j]))[levels[:, j]] for j in factors]
    return np.concatenate(
        [
            (a[:, :, None] * b[:, None, :]).reshape(len(levels), -1)
            for a, b in itertools.combinations(columns, 2)
        ],
        axis=1,
    )

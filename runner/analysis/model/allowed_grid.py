"""The grid over which effects are averaged, if some of its arms are not allowed.

Interactions do not average out over such a grid, so the average of a main effect contains a part
of them.
"""

from __future__ import annotations

import itertools

import numpy as np

from runner.analysis.model.coding import Coding, Weights

DRAWN = 100_000  # drawn arms; those without missing pairs represent the whole grid
MOST_ARMS = 20_000  # most arms that are kept


def allowed_grid(levels: np.ndarray, weights: Weights) -> np.ndarray | None:
    """(arms, factors) arms drawn by the weights, without pairs of levels that no run has.

    They represent the grid of the average: a pair of levels that no run has is taken as not
    allowed. None if every pair occurs: then interactions average out. A few runs may lack a pair by
    chance; then the average is over a part of the grid.
    """
    missing = []
    for i, j in itertools.combinations(range(levels.shape[1]), 2):
        there = np.outer(weights[i] == 0, weights[j] >= 0) | (weights[j] == 0)
        there[levels[:, i], levels[:, j]] = True
        if not there.all():
            missing.append((i, j, there))
    if not missing:
        return None
    rng = np.random.default_rng(0)
    drawn = np.stack([rng.choice(len(share), DRAWN, p=share) for share in weights], axis=1)
    for i, j, there in missing:
        drawn = drawn[there[drawn[:, i], drawn[:, j]]]
    kept: np.ndarray = drawn[:MOST_ARMS]
    return kept if len(kept) else None


def averages(
    coding: Coding, grid: np.ndarray, products: np.ndarray, placebo: int | None
) -> np.ndarray:
    """(p, m) the weight of each of m products of contrasts in the grid's average of a coefficient.

    grid: (arms, factors) level indices; products: (arms, m). The weights of a placebo are 0.
    """
    X = coding.matrix(grid)
    found = np.asarray(np.linalg.pinv(X.T @ X, hermitian=True) @ (X.T @ products))
    for i, contrast in enumerate(coding.mains):
        if contrast.factor == placebo:
            found[1 + i] = 0
    return found

"""The grid that effects are averaged over, where some of its arms are not allowed.

Interactions do not average out over it, so the grid's average of a main effect has some of them.
"""

from __future__ import annotations

import itertools

import numpy as np

from runner.analysis.model.coding import Coding, Weights

DRAWN = 100_000  # arms, of which those without missing pairs stand for the whole grid …
GRID = 20_000  # … at most so many


def allowed_grid(levels: np.ndarray, weights: Weights) -> np.ndarray | None:
    """(arms, factors) arms drawn by the weights, without pairs of levels that no run has.

    They stand for the grid that is averaged over, since such pairs exclude each other. None where
    every pair is there: then interactions average out. Two or three runs may lack a pair by chance,
    and then the average is over less than the grid.
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
    kept: np.ndarray = drawn[:GRID]
    return kept if len(kept) else None


def averages(
    coding: Coding, grid: np.ndarray, products: np.ndarray, placebo: int | None
) -> np.ndarray:
    """(p, m) what the grid's average of each coefficient has of m products of contrasts.

    grid: (arms, factors) level indices; products: (arms, m). A placebo has nothing of any.
    """
    X = coding.matrix(grid)
    found = np.asarray(np.linalg.pinv(X.T @ X, hermitian=True) @ (X.T @ products))
    for i, contrast in enumerate(coding.mains):
        if contrast.factor == placebo:
            found[1 + i] = 0
    return found

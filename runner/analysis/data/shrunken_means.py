"""The joint posterior of the arms' means, in which each mean is shrunk towards the others.

The best of many arms is lucky as well as good. With each mean by itself, probabilities of being the
best are too high if arms hardly differ. So true means are assumed to come from one normal
distribution, whose sd is estimated from them (uniform prior: Gelman 2006,
doi:10.1214/06-BA117A). If arms differ by far more than their noise, this changes nothing.
"""

from __future__ import annotations

import numpy as np

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.variance_shrinkage import moderated

POINTS = 24  # grid points of the sd between arms
WIDEST = 3  # times the sd of the arms' means: the largest sd between arms
MOST_DRAWS, FEWEST_DRAWS = 5_000, 200  # draws
MOST_NUMBERS = 2_000_000  # numbers in one array of draws


def drawn_means(cells: Cells, equal: bool) -> np.ndarray | None:
    """(draws, arms) from the joint posterior of the arms' means; None without replicates.

    equal: one variance for all arms; else each arm has its own (see `variance_shrinkage`), if
    enough arms have replicates. Variances are estimated from replicates alone: a mean far from the
    others does not make an arm noisy.
    """
    if not cells.pooled_sd:
        return None
    rng = np.random.default_rng(0)  # the same report from the same data
    middle = float(cells.mean.mean())
    mean = cells.mean - middle
    pooled = np.array([cells.squares.sum()]), np.array([float(cells.replicate_df)])
    squares, df = (None if equal else moderated(cells)) or pooled
    draws = max(FEWEST_DRAWS, min(MOST_DRAWS, MOST_NUMBERS // len(mean)))
    noise = squares / rng.chisquare(df, (draws, len(df))) / cells.count
    usual = float(np.sqrt(np.median(squares / df / cells.count)))
    widest = WIDEST * max(float(mean.std(ddof=1)), usual)
    between = ((np.arange(POINTS) + 0.5) / POINTS * widest) ** 2
    spread = between[_pick(_likelihood(mean, noise, between), rng)][:, None]
    weight = 1 / (noise + spread)
    total = weight.sum(axis=1, keepdims=True)
    centre = (weight @ mean)[:, None] / total
    centre = centre + rng.standard_normal((draws, 1)) / np.sqrt(total)
    share = spread * weight
    left = np.sqrt(share * noise) * rng.standard_normal((draws, len(mean)))
    return np.asarray(middle + centre + share * (mean - centre) + left)


def _likelihood(mean: np.ndarray, noise: np.ndarray, between: np.ndarray) -> np.ndarray:
    """(draws, points) log likelihood of the variance between arms, with true means integrated out.

    mean: (arms,); noise: (draws, arms) variances of the means; between: (points,).
    """
    found = []
    for spread in between:
        weight = 1 / (noise + spread)
        total, first, second = weight.sum(axis=1), weight @ mean, weight @ mean**2
        found.append(np.log(weight).sum(axis=1) - np.log(total) - second + first**2 / total)
    return 0.5 * np.stack(found, axis=1)


def _pick(likelihood: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(draws,) index of a point for each row, drawn by its likelihood."""
    share = np.exp(likelihood - likelihood.max(axis=1, keepdims=True)).cumsum(axis=1)
    return np.asarray((share < rng.random((len(share), 1)) * share[:, -1:]).sum(axis=1))

"""Lack of fit: what the arms' means deviate from the model, against their replicates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from runner.analysis.cells import Cells
from runner.analysis.linear_model import Model

# A lack of fit of few df misses interactions as large as the error: where the two-factor
# interactions are real by a test of their own, those of more factors may be so too, and the lack of
# fit is the error term whatever its size. That test is independent of it, so intervals keep their
# 95 %; where it finds nothing they keep the df of the replicates.
WELL = 0.05


@dataclass(frozen=True)
class LackOfFit:
    """What the arms' means deviate from the model, against the noise of their replicates.

    mean_square: of the deviations, on `df`; pure: mean square of the replicates, on `pure_df`.
    p: of the F test that the model holds. used: whether `mean_square` is the error term. missing:
    whether arms of the grid are not there. interactions: p of the F test that there are no
    two-factor interactions; None where the model has none.
    """

    mean_square: float
    df: int
    pure: float
    pure_df: int
    p: float
    used: bool
    missing: bool = False
    interactions: float | None = None

    @property
    def significant(self) -> bool:
        """Whether the model does not fit."""
        return self.p < WELL


def lack_of_fit(model: Model, cells: Cells, beta: np.ndarray) -> LackOfFit | None:
    """The F test of the model against the replicates; None without df for it.

    Its mean square becomes the error term where arms are missing from the grid, or have unequal
    numbers of runs, so that averages are mixed with the interactions that the model leaves out:
    if the model does not fit (p below `WELL`), and if its two-factor interactions are real (p below
    `WELL`), since those of more factors may then be so too. Averages over all arms with as many
    runs each are not mixed with any, however badly the model fits each of them.
    """
    arms, _ = cells.merged
    squares, rank = _between(model, cells, beta)
    df, pure_df = len(arms.count) - rank, arms.replicate_df
    if df < 1 or pure_df < 1:
        return None
    mean_square, pure = squares / df, float(arms.squares.sum()) / pure_df
    if pure == 0:
        return None
    p = float(special.fdtrc(df, pure_df, mean_square / pure))
    two = _interactions(model, cells, squares, pure, pure_df)
    # Unequal numbers of runs leave the arms as unbalanced as lost ones do.
    grid = math.prod(len(np.unique(column)) for column in arms.levels.T)
    missing = len(arms.count) < grid or len(np.unique(arms.count)) > 1
    used = missing and mean_square > 0 and (p < WELL or (two is not None and two < WELL))
    return LackOfFit(mean_square, df, pure, pure_df, p, used, missing, two)


def _between(model: Model, cells: Cells, beta: np.ndarray) -> tuple[float, int]:
    """Sum of squares of the arms' means about the fit, and the model's rank between arms."""
    arms, where = cells.merged
    fitted = model.X @ beta
    if arms is cells:
        return float((cells.count * (cells.mean - fitted) ** 2).sum()), model.rank
    share = cells.count / arms.count[where]
    X = np.zeros((len(arms.count), model.X.shape[1]))
    np.add.at(X, where, model.X * share[:, None])
    own = np.abs(model.X).max(axis=0) > 0
    within = int((own & (np.abs(X).max(axis=0) < 1e-9)).sum())  # a placebo's column
    return float((arms.count * (arms.mean - X @ beta) ** 2).sum()), model.rank - within


def _interactions(
    model: Model, cells: Cells, squares: float, pure: float, pure_df: int
) -> float | None:
    """p of the F test of all two-factor interactions of the model against the replicates."""
    less = model.lesser
    if less is None or less.rank >= model.rank:
        return None
    beta = less.bread @ (less.X.T @ (cells.count * cells.mean))
    more = _between(less, cells, beta)[0] - squares
    df = model.rank - less.rank
    return float(special.fdtrc(df, pure_df, max(more, 0.0) / df / pure))

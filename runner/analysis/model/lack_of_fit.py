"""Lack of fit: deviations of the arms' means from the model, against their replicates."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.model.large_interactions import LargeInteractions, standing_out
from runner.analysis.model.linear_model import Model

# A lack of fit with few df misses interactions as large as the error. If a separate test finds real
# two-factor interactions, interactions of more factors may be real too. Then the lack of fit is the
# error term, whatever its size. That test is independent of the lack of fit, so intervals keep
# their 95 %. If the test finds nothing, intervals keep the df of the replicates.
WELL = 0.05
FEWEST_DF = 5  # df that the lack of fit keeps when interactions are taken out of it


@dataclass(frozen=True)
class LackOfFit:
    """Deviations of the arms' means from the model, against the noise of their replicates.

    mean_square: of the deviations, on `df`; pure: mean square of the replicates, on `pure_df`.
    p: of the F test that the model holds. used: whether `mean_square` is the error term. missing:
    whether arms of the grid are missing. interactions: p of the F test that there are no
    two-factor interactions; None if the model has none. large: interactions of more factors that
    stand out of the deviations; the mean square without them is `rest`, on `rest_df`.
    """

    mean_square: float
    df: int
    pure: float
    pure_df: int
    p: float
    used: bool
    missing: bool = False
    interactions: float | None = None
    large: LargeInteractions | None = None

    @property
    def rest_df(self) -> int:
        """Degrees of freedom of the deviations, without the interactions in `large`."""
        return self.df - (self.large.df if self.large else 0)

    @property
    def rest(self) -> float:
        """Mean square of the deviations, without the interactions in `large`."""
        taken = sum(self.large.squares) if self.large else 0.0
        return max(self.mean_square * self.df - taken, 0.0) / self.rest_df

    @property
    def significant(self) -> bool:
        """Whether the model does not fit."""
        return self.p < WELL


def lack_of_fit(model: Model, cells: Cells, beta: np.ndarray) -> LackOfFit | None:
    """The F test of the model against the replicates; None without df for it.

    If arms are missing from the grid, or have unequal numbers of runs, averages are mixed with
    interactions that are not in the model. Then the mean square becomes the error term in two
    cases: the model does not fit (p below `WELL`), or its two-factor interactions are real (p below
    `WELL`), since interactions of more factors may then be real too. Averages over all arms with
    equal numbers of runs are not mixed with interactions, however badly the model fits.
    """
    arms, where = cells.merged
    deviation, rank = _deviations(model, cells, beta)
    squares = float(arms.count @ deviation**2)
    df, pure_df = len(arms.count) - rank, arms.replicate_df
    if df < 1 or pure_df < 1:
        return None
    mean_square, pure = squares / df, float(arms.squares.sum()) / pure_df
    if pure == 0:
        return None
    p = float(special.fdtrc(df, pure_df, mean_square / pure))
    two = _interactions(model, cells, squares, pure, pure_df)
    # Unequal numbers of runs unbalance the grid as lost arms do.
    grid = math.prod(len(np.unique(column)) for column in arms.levels.T)
    missing = len(arms.count) < grid or len(np.unique(arms.count)) > 1
    used = missing and mean_square > 0 and (p < WELL or (two is not None and two < WELL))
    large = None
    if used and p < WELL and model.beyond is not None:
        of = replace(model.beyond, units=_by_arm(model.beyond.units, cells))
        X = _by_arm(model.X, cells)
        large = standing_out(of, X, model.bread, deviation, arms.count, df, FEWEST_DF)
        # The shift is one per arm; an arm's runs with and without the placebo share it.
        large = replace(large, shift=large.shift[where])
    return LackOfFit(mean_square, df, pure, pure_df, p, used, missing, two, large)


def _by_arm(columns: np.ndarray, cells: Cells) -> np.ndarray:
    """(arms, k) means of the cells' columns (cells, k) over the runs of each arm as trained."""
    arms, where = cells.merged
    if arms is cells:
        return columns
    found = np.zeros((len(arms.count), columns.shape[1]))
    np.add.at(found, where, columns * (cells.count / arms.count[where])[:, None])
    return found


def _deviations(model: Model, cells: Cells, beta: np.ndarray) -> tuple[np.ndarray, int]:
    """(arms,) the arms' means minus the fit, and the model's rank between arms."""
    arms, _ = cells.merged
    X = _by_arm(model.X, cells)
    own = np.abs(model.X).max(axis=0) > 0
    within = int((own & (np.abs(X).max(axis=0) < 1e-9)).sum())  # a placebo's column
    return arms.mean - X @ beta, model.rank - within


def _interactions(
    model: Model, cells: Cells, squares: float, pure: float, pure_df: int
) -> float | None:
    """p of the F test of all two-factor interactions of the model against the replicates."""
    less = model.lesser
    if less is None or less.rank >= model.rank:
        return None
    beta = less.bread @ (less.X.T @ (cells.count * cells.mean))
    more = float(cells.merged[0].count @ _deviations(less, cells, beta)[0] ** 2) - squares
    df = model.rank - less.rank
    return float(special.fdtrc(df, pure_df, max(more, 0.0) / df / pure))

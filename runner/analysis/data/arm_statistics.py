"""Cells: count, mean and squares of each arm with a usable run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from runner.analysis.data.experiment import Experiment, succeeded, values
from runner.designs.factor import PLACEBO


@dataclass(frozen=True)
class Cells:
    """One entry for each distinct arm, in order of level indices.

    levels: (cells, factors) level indices.
    count: (cells,) runs. mean: (cells,) in the metric's unit.
    squares: (cells,) sum of squared deviations from the cell's mean.
    placebo: the column of the placebo factor, if there is one.
    """

    levels: np.ndarray
    count: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    placebo: int | None = None

    @cached_property
    def merged(self) -> tuple[Cells, np.ndarray]:
        """Cells with placebo on and off merged, and (cells,) the index of each old cell there.

        Runs with the placebo are new runs of the same recipe, so they are replicates of the others.
        """
        if self.placebo is None:
            return self, np.arange(len(self.count))
        levels = self.levels.copy()
        levels[:, self.placebo] = 0
        arms, where = distinct(levels)
        if len(arms) == len(levels):
            return self, np.arange(len(levels))
        count = np.bincount(where, self.count, len(arms)).astype(self.count.dtype)
        mean = np.bincount(where, self.count * self.mean, len(arms)) / count
        between = self.count * (self.mean - mean[where]) ** 2
        squares = np.bincount(where, self.squares + between, len(arms))
        return Cells(arms, count, mean, squares), where

    @property
    def replicate_df(self) -> int:
        """Degrees of freedom of the replicates' pure error."""
        return int(self.count.sum() - len(self.count))

    @property
    def pooled_sd(self) -> float | None:
        """Run-to-run sd pooled over the cells; None without replicates."""
        df = self.replicate_df
        return float(np.sqrt(self.squares.sum() / df)) if df else None

    def sd(self) -> np.ndarray:
        """(cells,) sd between runs, NaN for a single run."""
        df = np.where(self.count > 1, self.count - 1, np.nan)
        return np.sqrt(self.squares / df)

    def only(self, kept: np.ndarray) -> Cells:
        """Some of the cells. kept: (cells,) of bool."""
        return Cells(
            self.levels[kept], self.count[kept], self.mean[kept], self.squares[kept], self.placebo
        )

    def find(self, levels: np.ndarray) -> int | None:
        """The index of the arm with these level indices, None if there is none."""
        hits = np.flatnonzero((self.levels == levels).all(axis=1))
        return int(hits[0]) if len(hits) else None


def distinct(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows in lexicographic order, and for each row the index of its distinct row.

    levels: (rows, factors) small non-negative integers. If possible each row is encoded as one
    number, since sorting rows of 100,000 runs takes seconds.
    """
    sizes = levels.max(axis=0, initial=0) + 1
    if len(levels) and float(np.prod(sizes.astype(float))) < 2**62:
        place = np.append(np.cumprod(sizes[:0:-1])[::-1], 1)
        _, first, where = np.unique(levels @ place, return_index=True, return_inverse=True)
        return levels[first], where.reshape(-1)
    rows, where = np.unique(levels, axis=0, return_inverse=True)
    return rows, where.reshape(-1)


def group(levels: np.ndarray, y: np.ndarray, placebo: int | None = None) -> Cells:
    """Cells of runs. levels: (runs, factors) indices; y: (runs,) finite values.

    placebo: the column of the placebo factor.
    """
    arms, where = distinct(levels)
    count = np.bincount(where, minlength=len(arms))
    mean = np.bincount(where, weights=y, minlength=len(arms)) / count
    squares = np.bincount(where, weights=(y - mean[where]) ** 2, minlength=len(arms))
    squares[squares <= count * (1e-12 * mean) ** 2] = 0  # equal runs, except for rounding
    return Cells(arms, count, mean, squares, placebo)


def cells(experiment: Experiment, metric: str) -> Cells:
    """Cells of the finished runs that have the metric; may be empty."""
    y = values(experiment.runs, metric)
    usable = (succeeded(experiment.runs) & y.notna()).to_numpy()
    names = list(experiment.factors)
    placebo = names.index(PLACEBO) if PLACEBO in names else None
    return group(experiment.codes[usable], y[usable].to_numpy(), placebo)

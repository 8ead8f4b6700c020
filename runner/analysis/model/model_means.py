"""Means of arms and other combinations by a factorial's model, and deviations from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.model.factorial import Factorial
from runner.analysis.model.regression import Fit

MOST_DRAWS, FEWEST_DRAWS = 20_000, 200  # draws
MOST_NUMBERS = 8_000_000  # numbers in one array of draws


@dataclass(frozen=True)
class ModelMeans:
    """t(β̂, V̂) of a model, with the arms' deviations from it if replicates show them.

    A model that fits may still have undetected deviations. If most arms have replicates, the lack
    of fit is noise plus deviations. Both variances are drawn from the χ² of both mean squares, and
    each arm's deviation is shrunk by its share. Otherwise the model is assumed to hold: single runs
    do not separate noise from deviations, and the few arms with replicates may be low-variance.
    """

    fitted: Factorial
    cells: Cells

    @cached_property
    def fit(self) -> Fit:
        return self.fitted.fit.extrapolating

    @property
    def what(self) -> str:
        """A description of the draws."""
        terms = "with two-factor interactions" if self.fitted.interactions else "of main effects"
        if self.fit.lack is None:
            return f"drawn from t(β̂, V̂) of the model {terms}; means are the model's means"
        return (
            f"drawn from t(β̂, V̂) of the model {terms} and the arms' deviations from it; means "
            "are between the model's means and the arms' means"
        )

    def assumes(self, unseen: bool = False) -> str | None:
        """The assumption that these runs cannot test. unseen: for combinations without a run."""
        determined = self.fit.model.rank >= len(self.cells.count) and not unseen
        if self.fit.lack is not None or determined:
            return None
        which = "interactions of three or more factors" if self.fitted.interactions else ""
        return f"there are no {which or 'interactions'}, which these runs cannot test"

    @cached_property
    def arms(self) -> Cells:
        """The arms; an arm with and without a placebo counts as one."""
        return self.cells.merged[0]

    @cached_property
    def root(self) -> np.ndarray:
        """(p, p) R with R R' = V̂."""
        X = self.fit.model.X
        half = self.fit.model.bread @ (X * np.sqrt(self.fit.variance)[:, None]).T
        values, vectors = np.linalg.eigh(half @ half.T)
        return np.asarray(vectors * np.sqrt(np.clip(values, 0, None)))

    def recipes(self, levels: np.ndarray) -> np.ndarray:
        """(n, factors) levels with the placebo off, since a placebo does not change the recipe."""
        found = levels.copy()
        if self.cells.placebo is not None:
            found[:, self.cells.placebo] = 0
        return found

    def rows(self, levels: np.ndarray) -> np.ndarray:
        """(n, p) the model's rows of `levels` (n, factors), at the mean of a placebo."""
        rows = self.fitted.coding.matrix(levels)
        mains = self.fitted.coding.mains
        rows[:, [1 + i for i, c in enumerate(mains) if c.factor == self.cells.placebo]] = 0
        return rows

    def drawn(self, levels: np.ndarray, most: int = MOST_NUMBERS) -> tuple[np.ndarray, np.ndarray]:
        """(n,) means of combinations and (draws, n) of their posterior.

        levels: (n, factors). most: numbers drawn.
        """
        rng = np.random.default_rng(0)  # the same report from the same data
        draws = max(FEWEST_DRAWS, min(MOST_DRAWS, most // len(levels)))
        fit, rows, (noise, between) = self.fit, self.rows(levels), self._variances(draws, rng)
        scale = np.sqrt(fit.df / rng.chisquare(fit.df, draws) * (1 + between / noise))
        beta = fit.beta[:, None] + self.root @ rng.standard_normal((len(self.root), draws)) * scale
        mean, found = rows @ fit.beta, np.asarray((rows @ beta).T)
        if not between.any():
            return mean, found
        place = self.places(levels)
        seen, of = place >= 0, place[place >= 0]
        z = rng.standard_normal(found.shape)
        found[:, ~seen] += np.sqrt(between)[:, None] * z[:, ~seen]
        own = noise[:, None] * self.arms.count.mean() / self.arms.count[of]
        share = between[:, None] / (between[:, None] + own)
        found[:, seen] += share * (self.arms.mean[of] - found[:, seen])
        found[:, seen] += np.sqrt(share * own) * z[:, seen]
        mean[seen] += share.mean(axis=0) * (self.arms.mean[of] - mean[seen])
        return mean, found

    def places(self, levels: np.ndarray) -> np.ndarray:
        """(n,) the index of the arm with the same recipe, -1 if there is none."""
        arms = self.recipes(self.arms.levels).tolist()
        number = {tuple(arm): i for i, arm in enumerate(arms)}
        return np.array([number.get(tuple(one), -1) for one in self.recipes(levels).tolist()])

    def _variances(self, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(draws,) variances of the noise of an arm's mean, and of deviations from the model."""
        lack = self.fit.lack
        if lack is None:
            return np.ones(draws), np.zeros(draws)
        noise = lack.pure * lack.pure_df / rng.chisquare(lack.pure_df, draws)
        both = lack.mean_square * lack.df / rng.chisquare(lack.df, draws)
        runs = float(self.arms.count.mean())
        return noise / runs, np.maximum(both - noise, 0) / runs

"""Least squares on the cells of a design, with the best error term that its runs allow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import special

from runner.analysis.data.arm_statistics import Cells
from runner.analysis.data.estimates import EQUAL_RUNS, Estimate, Linear, contrast_df
from runner.analysis.model.lack_of_fit import WELL, LackOfFit, lack_of_fit
from runner.analysis.model.large_interactions import LargeInteractions, standing_out
from runner.analysis.model.linear_model import FULL_LEVERAGE, Model
from runner.analysis.model.partial_aliasing import Split, split

# HC2 divides each squared residual by 1 - leverage, which is unbiased for constant noise (then
# a balanced design has the classical standard errors on average). HC3's (1 - leverage)²
# would widen the 64-run fraction's intervals by 46 % (coverage 99.6 %).
# With fewer residual df than FEWEST_DF, single residuals say too little: a constant sd is assumed.
FEWEST_DF = 10
# Residual df between arms that remain when interactions are taken out of the error.
FEWEST_BETWEEN = 5
FREE = 1e-6
# Level of lack of fit for its split: in unequal noise 0.05 would too often split pure noise.
SURE = 0.001
# Residuals below this share of the values are rounding, not noise.
ROUNDING = 1e-10
MOST_RUNS = 400  # for df of a quadratic form; with more runs plain df are accurate enough


@dataclass(frozen=True)
class Fit:
    """A model fitted to its runs. error: replicates, pooled, hc2, classical or none.

    beta: (p,); variance: (cells,) V such that Var(c'β) = Σ g² V with g = X bread c;
    sigma: run-to-run sd in the metric's unit; df: of sigma; lack: lack of fit, if there are
    replicates and more arms than terms. noise: the model whose residual is the error; it includes
    the interactions in `large`. split: of the residual, if interactions are in the residual and in
    the main effects.
    """

    model: Model
    cells: Cells
    beta: np.ndarray
    error: str
    variance: np.ndarray
    sigma: float | None
    df: int
    lack: LackOfFit | None = None
    noise: Model | None = None
    large: LargeInteractions | None = None
    split: Split | None = None

    @cached_property
    def extrapolating(self) -> Fit:
        """The fit with all interactions that are not in the model left in the error.

        It is for effects in a corner of the grid and for single arms, where these interactions bias
        the model. It is also for averages over a grid with lost arms, which are mixed with all of
        them: removing so many moved the effects of 768 arms without the 71 diverged by up to 10 pp.
        """
        if self.large is None or not self.large.members:
            return self
        of = "equal" if self.error in ("classical", "pooled") else "own"
        return fit(replace(self.model, beyond=None), self.cells, of)

    def estimate(
        self, contrast: np.ndarray, reason: str = "", noise_only: bool = False
    ) -> Estimate:
        """contrast' β with its standard error; `reason` is given if it is not estimable.

        noise_only: use the replicates' noise even if the model does not fit. This tests whether the
        contrast of these arms is real, including its higher-order aliases.
        """
        if not self.model.estimable(contrast):
            return Estimate(None, reason=reason or "the runs do not determine it")
        value = float(contrast @ self.beta)
        each = self.model.X @ (self.model.bread @ contrast)  # of one run of each cell
        if self.large is not None and self.large.members:
            less = self.large.shift @ contrast
            if np.abs(less).max() > FREE * np.abs(each).max():  # not rounding
                if self.large.everything:
                    return self.extrapolating.estimate(contrast, reason, noise_only)
                value -= float((self.cells.count * less) @ self.cells.mean)
                each = each - less
        of = Linear(self.cells.levels, self.cells.count * each)
        if self.error == "none":
            return Estimate(
                value,
                of=of,
                reason="no error degrees of freedom: as many terms as arms, and no replicates; "
                "more seeds would give an interval",
            )
        if self.sigma == 0:
            reason = "the runs fit the model exactly, so the noise cannot be estimated"
            return Estimate(value, reason=reason, of=of)
        variance, df = self._error(each, contrast, noise_only)
        # If all runs of an arm are equal (as in collapsed arms), only rounding is left.
        if variance <= float(self.cells.count @ each**2) * (ROUNDING * (self.sigma or 0.0)) ** 2:
            return Estimate(value, reason=EQUAL_RUNS, of=of)
        return Estimate(value, float(np.sqrt(variance)), df, of=of)

    def _error(
        self, each: np.ndarray, contrast: np.ndarray, noise_only: bool
    ) -> tuple[float, float]:
        """Variance of a contrast and its df. each: (cells,) weights of one run of each cell."""
        squares = each**2
        arms, where = self.cells.merged
        weights = np.bincount(where, self.cells.count * each)
        spread = float((weights**2 / arms.count).sum())
        total = float((squares * self.cells.count).sum())
        if spread < ROUNDING * total and arms.replicate_df > 1:  # a placebo, estimated within arms
            return self._within_arms(each)
        if self.split is not None and not noise_only:
            return self.split.error(each, contrast, self.cells.count)
        if self.lack is not None and self.lack.used and not noise_only and spread > 0:
            # An arm's deviation is common to all its runs, so its mean varies by MS / count.
            return spread * self.lack.rest, self.lack.rest_df
        parts = squares * self.variance
        df: float = self.df
        if self.error == "replicates":
            replicated = arms.count > 1
            df = contrast_df(np.bincount(where, parts)[replicated], arms.count[replicated] - 1.0)
        elif self.error == "hc2":
            # Interactions are screened: a missed one would let the model extrapolate past it.
            plain = contrast_df(parts, self.cells.count.astype(float))
            df = min(df, plain if noise_only else self._hc2_df(each, parts))
        return float(parts.sum()), df

    def _within_arms(self, each: np.ndarray) -> tuple[float, float]:
        """Variance and df of a contrast within arms, from the residuals within each arm.

        The contrast's square is not noise: with two runs in each arm this is the paired t test.
        """
        count, (arms, where) = self.cells.count, self.cells.merged
        fitted = each * float((count * each) @ self.cells.mean) / float(count @ each**2)
        left = self.cells.mean - fitted - arms.mean[where]
        squares = np.bincount(where, self.cells.squares + count * left**2)
        df = arms.count - 1.0
        free = float(df.sum()) - 1  # the contrast takes one
        if self.error == "pooled":
            return float(count @ each**2) * float(squares.sum()) / free, free
        seen = (squares > 0) & (df > 0)
        own = np.bincount(where, count * each**2)[seen] * squares[seen] / df[seen]
        own *= (free + 1) / free
        return float(own.sum()), max(contrast_df(own, df[seen]) - 1, 1.0) if seen.any() else free

    def _hc2_df(self, each: np.ndarray, parts: np.ndarray) -> float:
        """Satterthwaite's df of HC2's Σ parts, a quadratic form ε'Aε of the runs' noise.

        2 E² / Var is tr(AΩ)² / tr(AΩAΩ) (Bell and McCaffrey 2002), with Ω from HC2's squares. The
        squares on its diagonal are three times too large on average. Plain df, of independent
        squares, are too large where leverage is large: the 64-run fraction then called an effect
        at the margin negligible in 7.8 % of the studies with a recorded grid's noise.
        """
        count = self.cells.count
        if int(count.sum()) > MOST_RUNS:
            return contrast_df(parts, count.astype(float))
        own, squares = (self.noise or self.model).form(each)
        omega = (self.variance / count)[np.repeat(np.arange(len(count)), count)]
        diagonal = float((own * omega) @ (own * omega))
        spread = float(omega @ squares @ omega) - 2 / 3 * diagonal
        return float(own @ omega) ** 2 / spread if spread > 0 else float(self.df)


def error_term(model: Model, cells: Cells) -> str:
    """Replicates if most arms have them, else the hc2 or classical residual, else none."""
    count = cells.merged[0].count
    if 2 * int((count > 1).sum()) >= len(count):
        return "replicates"
    df = int(cells.count.sum()) - model.rank
    if df < 1:
        return "none"
    return "hc2" if df >= FEWEST_DF else "classical"


def fit(model: Model, cells: Cells, noise: str = "own") -> Fit:
    """Least squares over the runs of `cells`, with the error of `error_term`.

    noise: "own", each arm has its own sd, or "equal", one sd for all arms (then no robust error
    is used, and the pooled sd keeps all its df).
    """
    error = error_term(model, cells)
    if noise == "equal":
        error = {"hc2": "classical", "replicates": "pooled"}.get(error, error)
    arms, where = cells.merged
    beta = model.bread @ (model.X.T @ (cells.count * cells.mean))
    if error in ("hc2", "classical"):
        return _against_residual(model, cells, beta, error)
    if error == "none":
        return Fit(model, cells, beta, error, np.zeros(len(cells.count)), None, 0)
    df, sigma = arms.replicate_df, arms.pooled_sd
    own = np.full(len(arms.count), (sigma or 0.0) ** 2)
    if error == "replicates":
        own = np.where(arms.count > 1, np.nan_to_num(arms.sd() ** 2), own)
    lack = lack_of_fit(model, cells, beta)
    parts: Split | None = None
    if lack is not None and lack.used and lack.p < SURE and model.mixed is not None:
        left = cells.mean - model.X @ beta
        all_df = int(cells.count.sum()) - model.rank
        parts = split(model.mixed, left, cells.count, float(_squares(cells, left).sum()), all_df)
    return Fit(
        model, cells, beta, error, cells.count * own[where], sigma, df, lack,
        large=lack.large if lack and parts is None else None, split=parts,
    )  # fmt: skip


def _against_residual(model: Model, cells: Cells, beta: np.ndarray, error: str) -> Fit:
    """The fit with its residual as error, without interactions that stand out of the residual."""
    count, df = cells.count, int(cells.count.sum()) - model.rank
    left = cells.mean - model.X @ beta
    between = len(count) - model.rank
    fewest = max(FEWEST_DF - (df - between), FEWEST_BETWEEN)
    squares = float(_squares(cells, left).sum())
    of = model.beyond if _real(model, cells, squares, df) else None
    large = standing_out(of, model.X, model.bread, left, count, between, fewest)
    against, df = model.with_columns(large.columns), df - large.df
    left = left - large.columns @ (large.columns.T @ (count * left))
    residual = _squares(cells, left)
    sigma = float(np.sqrt(residual.sum() / df))
    variance = count * sigma**2
    if error == "hc2":
        free = against.leverage < FULL_LEVERAGE
        variance[free] = residual[free] / (1 - against.leverage[free])
    return Fit(model, cells, beta, error, variance, sigma, df, noise=against, large=large)


def _real(model: Model, cells: Cells, squares: float, df: int) -> bool:
    """Whether the model's terms of the highest order are real by their F test.

    If they are not, interactions of more factors are not searched: in unequal noise a few noisy
    arms look like interactions. squares: of the residual, on `df`.
    """
    if squares <= 0:
        return False
    mean = float(cells.count @ cells.mean) / float(cells.count.sum())
    fitted, rank = np.full(len(cells.count), mean), 1
    if model.lesser is not None:
        less, rank = model.lesser, model.lesser.rank
        fitted = less.X @ (less.bread @ (less.X.T @ (cells.count * cells.mean)))
    more = float(_squares(cells, cells.mean - fitted).sum()) - squares
    terms = model.rank - rank
    if terms < 1:
        return False
    return bool(special.fdtrc(terms, df, max(more, 0.0) / terms / (squares / df)) < WELL)


def _squares(cells: Cells, left: np.ndarray) -> np.ndarray:
    """(cells,) squares of runs about their cell's mean, plus squares of its residual `left`."""
    residual = cells.squares + cells.count * left**2
    size = float(np.abs(cells.mean).max(initial=0.0))
    residual[residual <= cells.count * (ROUNDING * size) ** 2] = 0
    return residual

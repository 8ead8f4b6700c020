"""Least squares on the cells of a design, with the error term that its runs allow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from runner.analysis.cells import Cells
from runner.analysis.estimates import Estimate, Linear, contrast_df

# HC2 divides each squared residual by 1 - leverage, which is unbiased where noise is constant (then
# a balanced design's standard errors are the classical ones on average). HC3's (1 - leverage)²
# would widen the 64-run fraction's intervals by 46 % (coverage 99.6 %).
# With fewer residual df than FEWEST_DF each run's own residual says too little: constant sd then.
FEWEST_DF = 10
# A lack of fit of few df misses interactions as large as the error. At 25 % (the usual level of a
# test that only chooses the error term, Bancroft 1964, Biometrics 20:427) half of 2^5 four times
# would cover 94 instead of 93 % with a recorded grid's means, 48 runs twice 92 instead of 88 %; but
# a screen with replicates would see effects planned for a power of 80 % with 72 %.
WELL = 0.05
# Residuals below this share of the values are rounding, not noise.
ROUNDING = 1e-10
FULL_LEVERAGE = 1 - 1e-9  # such a run's residual is 0 whatever its noise: it takes the average


@dataclass(frozen=True)
class Model:
    """What depends on the design alone.

    X: (cells, p); bread: (p, p) pseudo-inverse of X'WX, W the runs of each cell;
    null: (p, p) projector on the coefficients' null space; rank: of X; leverage: (cells,) of a run.
    """

    X: np.ndarray
    count: np.ndarray
    bread: np.ndarray
    null: np.ndarray
    rank: int
    leverage: np.ndarray

    def estimable(self, contrast: np.ndarray) -> bool:
        """Whether the runs determine contrast' β. contrast: (p,)."""
        return bool(np.linalg.norm(self.null @ contrast) < 1e-6 * np.linalg.norm(contrast))


def model(X: np.ndarray, count: np.ndarray) -> Model:
    """The least-squares model of cells. X: (cells, p) of full or lower rank; count: (cells,)."""
    scale = np.sqrt((X**2 * count[:, None]).sum(axis=0))
    scale[scale == 0] = 1
    unit = X / scale
    eigenvalues, vectors = np.linalg.eigh((unit * count[:, None]).T @ unit)
    kept = eigenvalues > 1e-9 * len(eigenvalues)
    inverse = vectors[:, kept] / eigenvalues[kept] @ vectors[:, kept].T
    bread = inverse / np.outer(scale, scale)
    # The null space of X itself: scaled back, then made orthonormal again.
    basis = vectors[:, ~kept] / scale[:, None]
    if basis.shape[1]:
        basis = np.linalg.qr(basis)[0]
    leverage = np.einsum("ij,jk,ik->i", X, bread, X, optimize=True)
    return Model(X, count, bread, basis @ basis.T, int(kept.sum()), np.clip(leverage, 0, 1))


@dataclass(frozen=True)
class LackOfFit:
    """What the arms' means deviate from the model, against the noise of their replicates.

    mean_square: of the deviations, on `df`; pure: mean square of the replicates, on `pure_df`.
    p: of the F test that the model holds. used: whether `mean_square` is the error term. missing:
    whether arms of the grid are not there.
    """

    mean_square: float
    df: int
    pure: float
    pure_df: int
    p: float
    used: bool
    missing: bool = False


@dataclass(frozen=True)
class Fit:
    """A model with its runs' values. error: replicates, pooled, hc2, classical or none.

    beta: (p,); variance: (cells,) V such that Var(c'β) = Σ g² V with g = X bread c;
    sigma: run-to-run sd in the metric's unit; df: that of sigma; lack: of the model's fit, where
    there are replicates and more arms than terms.
    """

    model: Model
    cells: Cells
    beta: np.ndarray
    error: str
    variance: np.ndarray
    sigma: float | None
    df: int
    lack: LackOfFit | None = None

    def estimate(
        self, contrast: np.ndarray, reason: str = "", noise_only: bool = False
    ) -> Estimate:
        """contrast' β with its standard error; `reason` is given if it is not estimable.

        noise_only: against the replicates' noise even where the model does not fit: whether the
        contrast of these arms is real, whatever higher-order interactions it may stand for.
        """
        if not self.model.estimable(contrast):
            return Estimate(None, reason=reason or "the runs do not determine it")
        value = float(contrast @ self.beta)
        each = self.model.X @ (self.model.bread @ contrast)  # of one run of each cell
        of = Linear(self.cells.levels, self.cells.count * each)
        if self.error == "none":
            return Estimate(
                value,
                of=of,
                reason="no error degrees of freedom: as many terms as arms, and no replicates; "
                "more seeds would give an interval",
            )
        if self.sigma == 0:
            reason = "the runs differ by the model's terms alone: there is no noise to see"
            return Estimate(value, reason=reason, of=of)
        squares = each**2
        if self.lack is not None and self.lack.used and not noise_only:
            # A cell's deviation is common to all its runs, so its mean varies by MS / count.
            spread = float((squares * self.cells.count).sum()) * self.lack.mean_square
            return Estimate(value, float(np.sqrt(spread)), self.lack.df, of=of)
        parts = squares * self.variance
        df: float = self.df
        if self.error == "replicates":
            replicated = self.cells.count > 1
            df = contrast_df(parts[replicated], self.cells.count[replicated] - 1.0)
        elif self.error == "hc2":
            df = min(df, contrast_df(parts, self.cells.count.astype(float)))
        return Estimate(value, float(np.sqrt(parts.sum())), df, of=of)


def error_term(model: Model, cells: Cells) -> str:
    """replicates where most arms have them, else hc2 or classical residuals, else none."""
    if 2 * int((cells.count > 1).sum()) >= len(cells.count):
        return "replicates"
    df = int(cells.count.sum()) - model.rank
    if df < 1:
        return "none"
    return "hc2" if df >= FEWEST_DF else "classical"


def fit(model: Model, cells: Cells, error: str | None = None, noise: str = "own") -> Fit:
    """Least squares over the runs of `cells`; `error` as in `Fit`, by default `error_term`'s.

    noise: "own", each arm has its own sd, or "equal", one for all (then nothing is robust, and
    the pooled sd keeps all its df).
    """
    error = error or error_term(model, cells)
    if noise == "equal":
        error = {"hc2": "classical", "replicates": "pooled"}.get(error, error)
    beta = model.bread @ (model.X.T @ (cells.count * cells.mean))
    # Squared residuals of all runs of a cell: about its mean, and the mean about the fit.
    residual = cells.squares + cells.count * (cells.mean - model.X @ beta) ** 2
    size = float(np.abs(cells.mean).max(initial=0.0))
    residual[residual <= cells.count * (ROUNDING * size) ** 2] = 0
    df = int(cells.count.sum()) - model.rank
    sigma: float | None = None
    variance = np.zeros(len(cells.count))
    if error == "pooled":
        df, sigma = cells.replicate_df, cells.pooled_sd
        variance = cells.count * (sigma or 0.0) ** 2
    elif error == "replicates":
        df, sigma = cells.replicate_df, cells.pooled_sd
        own = np.nan_to_num(cells.sd() ** 2, nan=(sigma or 0.0) ** 2)
        variance = cells.count * own
    elif error != "none":
        sigma = float(np.sqrt(residual.sum() / df))
        variance = cells.count * sigma**2
        if error == "hc2":
            free = model.leverage < FULL_LEVERAGE
            variance[free] = residual[free] / (1 - model.leverage[free])
    lack = lack_of_fit(model, cells, beta) if error in ("replicates", "pooled") else None
    return Fit(model, cells, beta, error, variance, sigma, max(df, 0), lack)


def lack_of_fit(model: Model, cells: Cells, beta: np.ndarray) -> LackOfFit | None:
    """The F test of the model against the replicates; None without df for it.

    Its mean square becomes the error term unless the model fits well (p at least `WELL`), where
    arms are missing from the grid, or have unequal numbers of runs: averages are then mixed with
    the interactions that the model leaves out. Averages over all arms with as many runs each are
    not, however badly the model fits each of them.
    """
    df, pure_df = len(cells.count) - model.rank, cells.replicate_df
    if df < 1 or pure_df < 1:
        return None
    mean_square = float((cells.count * (cells.mean - model.X @ beta) ** 2).sum()) / df
    pure = float(cells.squares.sum()) / pure_df
    if pure == 0:
        return None
    p = float(special.fdtrc(df, pure_df, mean_square / pure))
    arms = math.prod(len(np.unique(column)) for column in cells.levels.T)
    # Unequal numbers of runs leave the arms as unbalanced as lost ones do.
    missing = len(cells.count) < arms or len(np.unique(cells.count)) > 1
    used = p < WELL and mean_square > pure and missing
    return LackOfFit(mean_square, df, pure, pure_df, p, used, missing)

"""Least squares on the cells of a design, with the error term that its runs allow."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from runner.analysis.cells import Cells
from runner.analysis.estimates import Estimate, Linear, contrast_df

# HC2 divides each squared residual by 1 - leverage, which is unbiased where noise is constant (then
# a balanced design's standard errors are the classical ones on average). HC3's (1 - leverage)²
# would widen the 64-run fraction's intervals by 46 % (coverage 99.6 %).
# With fewer residual df than FEWEST_DF each run's own residual says too little: constant sd then.
FEWEST_DF = 10
# A lack of fit of few df misses interactions as large as the error: where the two-factor
# interactions are real by a test of their own, those of more factors may be so too, and the lack of
# fit is the error term whatever its size. That test is independent of it, so intervals keep their
# 95 %; where it finds nothing they keep the df of the replicates.
WELL = 0.05
# Residuals below this share of the values are rounding, not noise.
ROUNDING = 1e-10
MOST_FORMS = 64
MOST_RUNS = 400  # for df of a quadratic form; beyond, its noise is even enough
FULL_LEVERAGE = 1 - 1e-9  # such a run's residual is 0 whatever its noise: it takes the average


@dataclass(frozen=True)
class Model:
    """What depends on the design alone.

    X: (cells, p); bread: (p, p) pseudo-inverse of X'WX, W the runs of each cell;
    null: (p, p) projector on the coefficients' null space; rank: of X; leverage: (cells,) of a run.
    lesser: the same without interactions, of a model that has some.
    """

    X: np.ndarray
    count: np.ndarray
    bread: np.ndarray
    null: np.ndarray
    rank: int
    leverage: np.ndarray
    lesser: Model | None = None
    _forms: dict[bytes, tuple[np.ndarray, np.ndarray]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def estimable(self, contrast: np.ndarray) -> bool:
        """Whether the runs determine contrast' β. contrast: (p,)."""
        return bool(np.linalg.norm(self.null @ contrast) < 1e-6 * np.linalg.norm(contrast))

    def form(self, each: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """HC2's quadratic form in the runs' noise, for weights `each` (cells,) of a contrast.

        (runs,) its diagonal and (runs, runs) its squared entries; kept for the same weights.
        """
        key = np.round(each**2, 12).tobytes()
        if key not in self._forms:
            of = np.repeat(np.arange(len(self.count)), self.count)
            X = self.X[of]
            left = np.eye(len(of)) - X @ self.bread @ X.T
            scale = np.where(self.leverage < FULL_LEVERAGE, 1 - self.leverage, 1.0)
            A = (left * (each**2 / scale)[of]) @ left
            if len(self._forms) >= MOST_FORMS:
                self._forms.clear()
            self._forms[key] = np.diag(A).copy(), A**2
        return self._forms[key]


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
        arms, where = self.cells.merged
        weights = np.bincount(where, of.weights)
        spread = float((weights**2 / arms.count).sum())
        total = float((squares * self.cells.count).sum())
        if spread < ROUNDING * total and self.error != "pooled":  # a placebo, told within arms
            own = np.bincount(where, squares * self.cells.count) * np.nan_to_num(arms.sd() ** 2)
            seen = (arms.count > 1) & (own > 0)
            free = contrast_df(own[seen], arms.count[seen] - 1.0) if seen.any() else 1.0
            return Estimate(value, float(np.sqrt(own.sum())), free, of=of)
        if self.lack is not None and self.lack.used and not noise_only and spread > 0:
            # An arm's deviation is common to all its runs, so its mean varies by MS / count.
            return Estimate(
                value, float(np.sqrt(spread * self.lack.mean_square)), self.lack.df, of=of
            )
        parts = squares * self.variance
        df: float = self.df
        if self.error == "replicates":
            replicated = arms.count > 1
            df = contrast_df(np.bincount(where, parts)[replicated], arms.count[replicated] - 1.0)
        elif self.error == "hc2":
            # Interactions are screened: a missed one would let the model extrapolate past it.
            plain = contrast_df(parts, self.cells.count.astype(float))
            df = min(df, plain if noise_only else self._hc2_df(each, parts))
        return Estimate(value, float(np.sqrt(parts.sum())), df, of=of)

    def _hc2_df(self, each: np.ndarray, parts: np.ndarray) -> float:
        """Satterthwaite's df of HC2's Σ parts, a quadratic form ε'Aε of the runs' noise.

        2 E² / Var is tr(AΩ)² / tr(AΩAΩ) (Bell and McCaffrey 2002), Ω by HC2's own squares; those
        on its diagonal are three times too large on average. Plain df, of independent squares, take
        noise to be more even than it is where leverage is large: the 64-run fraction called an
        effect at the margin negligible in 7.8 % of the studies of a recorded grid's noise.
        """
        count = self.cells.count
        if int(count.sum()) > MOST_RUNS:
            return contrast_df(parts, count.astype(float))
        own, squares = self.model.form(each)
        omega = (self.variance / count)[np.repeat(np.arange(len(count)), count)]
        diagonal = float((own * omega) @ (own * omega))
        spread = float(omega @ squares @ omega) - 2 / 3 * diagonal
        return float(own @ omega) ** 2 / spread if spread > 0 else float(self.df)


def error_term(model: Model, cells: Cells) -> str:
    """replicates where most arms have them, else hc2 or classical residuals, else none."""
    count = cells.merged[0].count
    if 2 * int((count > 1).sum()) >= len(count):
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
    arms, where = cells.merged
    beta = model.bread @ (model.X.T @ (cells.count * cells.mean))
    # Squared residuals of all runs of a cell: about its mean, and the mean about the fit.
    residual = cells.squares + cells.count * (cells.mean - model.X @ beta) ** 2
    size = float(np.abs(cells.mean).max(initial=0.0))
    residual[residual <= cells.count * (ROUNDING * size) ** 2] = 0
    df = int(cells.count.sum()) - model.rank
    sigma: float | None = None
    variance = np.zeros(len(cells.count))
    if error == "pooled":
        df, sigma = arms.replicate_df, arms.pooled_sd
        variance = cells.count * (sigma or 0.0) ** 2
    elif error == "replicates":
        df, sigma = arms.replicate_df, arms.pooled_sd
        own = np.nan_to_num(arms.sd() ** 2, nan=(sigma or 0.0) ** 2)
        variance = cells.count * own[where]
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
    used = missing and mean_square > 0
    used = used and ((p < WELL and mean_square > pure) or (two is not None and two < WELL))
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

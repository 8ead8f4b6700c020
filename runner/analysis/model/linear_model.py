"""The least-squares model of a design: quantities that depend on its arms, not on values."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse.csgraph import connected_components

from runner.analysis.model.large_interactions import Beyond
from runner.analysis.model.partial_aliasing import Mixed

MOST_FORMS = 64
FULL_LEVERAGE = 1 - 1e-9  # the residual of such a run is always 0, so it gets the average variance


@dataclass(frozen=True)
class Model:
    """Quantities that depend on the design alone.

    X: (cells, p); bread: (p, p) pseudo-inverse of X'WX, W the runs of each cell;
    null: (p, p) projector on the coefficients' null space; rank: of X; leverage: (cells,) of a run.
    lesser: the model without interactions, if this model has some. beyond: interactions of more
    factors than in the model; mixed: two-factor interactions that are not in the model, if its main
    effects are not clear of them.
    """

    X: np.ndarray
    count: np.ndarray
    bread: np.ndarray
    null: np.ndarray
    rank: int
    leverage: np.ndarray
    lesser: Model | None = None
    beyond: Beyond | None = None
    mixed: Mixed | None = None
    _forms: dict[bytes, tuple[np.ndarray, np.ndarray]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def estimable(self, contrast: np.ndarray) -> bool:
        """Whether the runs determine contrast' β. contrast: (p,)."""
        return bool(np.linalg.norm(self.null @ contrast) < 1e-6 * np.linalg.norm(contrast))

    def entangled(self, first: int = 0) -> list[list[int]]:
        """Sets of coefficients, from index `first` on, that the null space connects.

        Each set is ascending; a coefficient that the runs determine is a set of one.
        """
        linked = np.abs(self.null[first:, first:]) > 1e-6
        count, of = connected_components(linked, directed=False)
        return sorted((first + np.flatnonzero(of == k)).tolist() for k in range(count))

    def projector(self) -> np.ndarray:
        """(cells, cells) projector of the cells' means, times √count, on the residual."""
        scaled = self.X * np.sqrt(self.count)[:, None]
        return np.asarray(np.eye(len(self.count)) - scaled @ self.bread @ scaled.T)

    def with_columns(self, columns: np.ndarray) -> Model:
        """The model with k more columns (cells, k), orthonormal over the runs, orthogonal to X."""
        if not columns.shape[1]:
            return self
        size, more = len(self.bread), columns.shape[1]
        bread, null = np.eye(size + more), np.zeros((size + more, size + more))
        bread[:size, :size], null[:size, :size] = self.bread, self.null
        leverage = np.clip(self.leverage + (columns**2).sum(axis=1), 0, 1)
        X = np.concatenate([self.X, columns], axis=1)
        return Model(X, self.count, bread, null, self.rank + more, leverage)

    def form(self, each: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """HC2's quadratic form in the runs' noise, for weights `each` (cells,) of a contrast.

        Returns (runs,) its diagonal and (runs, runs) its squared entries, cached by weights.
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
    """The least-squares model of cells. X: (cells, p) of any rank; count: (cells,) runs."""
    scale = np.sqrt((X**2 * count[:, None]).sum(axis=0))
    scale[scale == 0] = 1
    unit = X / scale
    eigenvalues, vectors = np.linalg.eigh((unit * count[:, None]).T @ unit)
    kept = eigenvalues > 1e-9 * len(eigenvalues)
    inverse = vectors[:, kept] / eigenvalues[kept] @ vectors[:, kept].T
    bread = inverse / np.outer(scale, scale)
    # The null space of X: scaled back, then made orthonormal again.
    basis = vectors[:, ~kept] / scale[:, None]
    if basis.shape[1]:
        basis = np.linalg.qr(basis)[0]
    leverage = np.einsum("ij,jk,ik->i", X, bread, X, optimize=True)
    return Model(X, count, bread, basis @ basis.T, int(kept.sum()), np.clip(leverage, 0, 1))

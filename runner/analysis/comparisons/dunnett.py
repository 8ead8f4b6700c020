"""Dunnett's comparisons of many arms with one arm, with equal or unequal noise.

The comparisons share the reference's mean, so their t statistics are correlated: ρ_ij = λ_i λ_j,
λ_i² = v_0 / (v_0 + v_i) with v the variance of an arm's mean. Given the reference's deviation
the comparisons are independent, so the distribution of the largest |t| is a double integral. It is
computed by quadrature: exact to about 1e-4, without the random numbers of `scipy.stats.dunnett`.

With unequal noise, λ is a plug-in estimate and each comparison has Satterthwaite's df
(Hasler and Hothorn, Biometrical Journal 50, 2008: multiple contrast tests in the presence of
heteroscedasticity). With equal noise, v = s² / n and df = N - arms, which is Dunnett's test.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import interpolate, special

_U = np.linspace(0.0, 7.0, 51)  # deviations of the reference in its sd; symmetric about 0
_Q = np.linspace(0.0, 7.0, 71)  # largest |z|
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_SHARES = (_NODES + 1) / 2  # of the χ² distribution
_STEPS = np.linspace(0.0, 1.0, 17)  # between the critical values of one test and Šidák's


@dataclass(frozen=True)
class ManyToOne:
    """The joint distribution of k comparisons with one arm.

    loading: (k,) λ of each comparison, |λ| <= 1; df: (k,).
    """

    loading: np.ndarray
    df: np.ndarray

    @cached_property
    def _largest(self) -> interpolate.PchipInterpolator:
        """The distribution function of the largest |z|; z are the standardised comparisons."""
        weight = np.exp(-(_U**2) / 2) * np.where(_U > 0, 2, 1)
        inside = np.tile(weight / weight.sum(), (len(_Q), 1))  # (q, u)
        shift, bound = _U[None, :], _Q[:, None]
        for load in np.clip(np.abs(self.loading), 0, 0.999):
            spread = np.sqrt(1 - load**2)
            below = special.ndtr((bound - load * shift) / spread)
            inside *= below - special.ndtr((-bound - load * shift) / spread)
        return interpolate.PchipInterpolator(_Q, inside.sum(axis=1))

    @cached_property
    def _scales(self) -> np.ndarray:
        """(k, nodes) estimated sd divided by true sd, at fixed quantiles of the distribution."""
        df, where = np.unique(self.df, return_inverse=True)
        chi2 = 2 * special.gammaincinv(df[:, None] / 2, _SHARES)
        return np.sqrt(chi2 / df[:, None])[where]

    def exceeds(self, t: np.ndarray) -> np.ndarray:
        """Adjusted p: P(the largest |t| of all k > |t|), each at its df. t: (k,) or (m, k)."""
        t = np.abs(np.asarray(t, dtype=float))
        below = self._largest(np.minimum(t[..., None] * self._scales, _Q[-1]))
        together = 1 - below @ (_WEIGHTS / 2)
        alone = 2 * special.stdtr(self.df, -t)
        # Dunnett's p lies between p of a single test and Šidák's p: quadrature errors are clipped.
        return np.clip(together, alone, -np.expm1(len(self.df) * np.log1p(-np.minimum(alone, 1))))

    def critical(self, confidence: float) -> np.ndarray:
        """(k,) critical |t|: with probability `confidence` no comparison exceeds its value."""
        low = -special.stdtrit(self.df, (1 - confidence) / 2)
        high = -special.stdtrit(self.df, (1 - confidence ** (1 / len(self.df))) / 2)
        t = low + np.outer(_STEPS, high - low)  # (steps, k)
        p = self.exceeds(t)
        pick = [
            np.interp(confidence - 1, -np.maximum.accumulate(p[::-1, i])[::-1], t[:, i])
            for i in range(len(self.df))
        ]
        return np.array(pick)
